"""A machine to install MAAS on: the integration host, booted by systemd-nspawn in a network of its own.

Real are systemd, sshd, sudo, apt, dpkg and PostgreSQL. `snap`, `maas` and `maas-test-db.psql` are stand-in programs
(`sandbox/host/programs/`). Each machine has its own files, laid over the tree that all of them share.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.host.install import install_script
from bot.host.protocol import HELPER_PATH
from tests.support.host_tree import ROOT, index, run, tree

_BOOT = 60.0


_SNAPD = {
    "DEBIAN/control": """\
Package: snapd
Version: 2.67
Architecture: all
Maintainer: Nobody <nobody@localhost>
Depends: python3
Description: stand-in for snapd
""",
    "DEBIAN/postinst": """\
#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --quiet --now snapd.socket snapd.service
fi
""",
    "usr/bin/snap": """\
#!/bin/sh
PYTHONPATH=/usr/lib/standin exec /usr/bin/python3 -u -m sandbox.host.programs.snap "$@"
""",
    "lib/systemd/system/snapd.service": """\
[Service]
ExecStart=/usr/bin/snap --daemon
[Install]
WantedBy=multi-user.target
""",
    "lib/systemd/system/snapd.socket": """\
[Socket]
ListenStream=/run/snapd.socket
[Install]
WantedBy=sockets.target
""",
}


class MachineError(Exception):
    """The machine does not come up, or a command on it failed."""


class Machine:
    """One machine. `root()` is for tests alone: it goes past SSH and sudo, as somebody at the machine's console."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.name = f"maas{os.getpid() % 30000:x}{number:x}"
        # One of 16,384 small networks in 10.88.0.0/16, by the process: tests run side by side.
        place = (os.getpid() * 8 + number) % 16_384
        base = f"10.88.{place // 64}.{place % 64 * 4}"
        head, _, last = base.rpartition(".")
        self.outside = f"{head}.{int(last) + 1}"
        self.address = f"{head}.{int(last) + 2}"
        self.key = folder / "key"
        self.files = folder / "files"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._init = 0

    def create(self) -> None:
        """Lay out its files and its network; it is not started yet."""
        (self.folder / "upper").mkdir(parents=True)
        (self.folder / "work").mkdir()
        self.files.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=8g", "tmpfs", str(self.folder / "upper"))
        for name in ("upper", "work"):
            (self.folder / "upper" / name).mkdir()
        layers = f"lowerdir={tree()},upperdir={self.folder}/upper/upper,workdir={self.folder}/upper/work"
        run("mount", "-t", "overlay", "overlay", "-o", layers, str(self.files))
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.name, "type", "veth", "peer", "name", "host0", "netns", self.name)
        run("ip", "addr", "add", f"{self.outside}/30", "dev", self.name)
        run("ip", "link", "set", self.name, "up")
        for words in (
            ["link", "set", "lo", "up"],
            ["addr", "add", f"{self.address}/30", "dev", "host0"],
            ["link", "set", "host0", "up"],
        ):
            run("ip", "-n", self.name, *words)
        self._stand_ins()
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bot", "-f", str(self.key))

    def _stand_ins(self) -> None:
        target = self.files / "usr/lib/standin/sandbox/host"
        (target / "programs").mkdir(parents=True)
        for path in (target.parent, target):
            (path / "__init__.py").touch()
        for path in (ROOT / "sandbox/host/programs").glob("*.py"):
            shutil.copy(path, target / "programs")
        built = self.folder / "snapd"
        for name, text in _SNAPD.items():
            (built / name).parent.mkdir(parents=True, exist_ok=True)
            (built / name).write_text(text, encoding="utf-8")
            (built / name).chmod(0o755 if text.startswith("#!") else 0o644)
        repository = self.files / "srv/standin"
        repository.mkdir()
        run("dpkg-deb", "--build", "--root-owner-group", str(built), str(repository / "snapd_2.67_all.deb"))
        index(repository)

    def start(self) -> None:
        """Boot it; returns when sshd answers."""
        environ = {
            **os.environ,
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "1",
        }
        with (self.folder / "console").open("ab") as console:
            self._nspawn = subprocess.Popen(
                [
                    "systemd-nspawn",
                    "--boot",
                    "--quiet",
                    "--keep-unit",
                    "--register=no",
                    f"--machine={self.name}",
                    f"--network-namespace-path=/run/netns/{self.name}",
                    "--capability=all",
                    "--resolv-conf=off",
                    "-D",
                    str(self.files),
                ],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        deadline = time.monotonic() + _BOOT
        while not (self._find_init() and self._answers()):
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "console").read_text(errors="replace")[-800:]
                self.stop()
                raise MachineError(f"it does not come up: {said}")
            time.sleep(0.05)

    def _find_init(self) -> bool:
        assert self._nspawn is not None
        try:
            path = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
            children = path.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return False
        self._init = int(children[0]) if children else 0
        return bool(children)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.address, 22), 1) as door:
                return door.recv(4) == b"SSH-"
        except OSError:
            return False

    def power_off(self) -> None:
        """As a power cut: everything ends at once, and what memory held is gone. Its files stay."""
        if self._init:
            os.kill(self._init, signal.SIGKILL)
            self._init = 0
        if self._nspawn is not None:
            self._nspawn.wait(20)
            self._nspawn = None

    def stop(self) -> None:
        """Power off, and take all of it away."""
        self.power_off() if self._init else self._end_nspawn()
        for mounted in (self.files, self.folder / "upper"):
            subprocess.run(["umount", "-l", str(mounted)], capture_output=True, check=False)
        subprocess.run(["ip", "link", "del", self.name], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "del", self.name], capture_output=True, check=False)

    def _end_nspawn(self) -> None:
        if self._nspawn is not None:
            self._nspawn.kill()
            self._nspawn.wait(20)
            self._nspawn = None

    def link(self, up: bool) -> None:
        """Pull the network cable, or put it in again."""
        run("ip", "link", "set", self.name, "up" if up else "down")

    def root(self, *words: str, stdin: str = "", check: bool = True, timeout: float = 120) -> str:
        """Run a command on it as root; returns what it says."""
        ran = subprocess.run(
            ["nsenter", "-t", str(self._init), "-a", "--", *words],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin", "LC_ALL": "C.UTF-8"},
        )
        if check and ran.returncode:
            raise MachineError(f"{words[0]}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
        return ran.stdout + ran.stderr

    def install_helper(self) -> str:
        """As the host's administrator would: print the script, read it, run it."""
        public = self.key.with_suffix(".pub").read_text(encoding="utf-8")
        return self.root("sh", "-s", stdin=install_script("maasbot", public))

    def host_key(self) -> str:
        """Its known_hosts line."""
        key = (self.files / "etc/ssh/ssh_host_ed25519_key.pub").read_text(encoding="utf-8").split()
        return f"{self.address} {key[0]} {key[1]}\n"

    def faults(self, **faults: Any) -> None:
        """How the stand-in programs are to misbehave from now on."""
        path = self.files / "etc/standin/faults.json"
        path.parent.mkdir(exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(
            json.dumps({name.replace("_", "-"): value for name, value in faults.items()}), encoding="utf-8"
        )
        fresh.rename(path)

    def ssh(
        self, command: Sequence[str] = (), stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """As the bot's user, with OpenSSH's own client."""
        known = self.folder / "known_hosts"
        known.write_text(self.host_key(), encoding="utf-8")
        return subprocess.run(
            [
                "ssh", "-F", "none", "-T", "-i", str(self.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
                "-o", f"UserKnownHostsFile={known}", f"maasbot@{self.address}", *command,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )  # fmt: skip

    def ask_by_ssh(self, **request: Any) -> dict[str, Any]:
        """One request to the helper, over SSH and sudo as the bot sends it."""
        ran = self.ssh([f"sudo -n {HELPER_PATH}"], json.dumps({"protocol": 1, **request}))
        if ran.returncode:
            raise MachineError(f"no answer ({ran.returncode}): {ran.stderr}")
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def ask(self, **request: Any) -> dict[str, Any]:
        """The same from the machine's console: on a busy machine SSH takes longer than most of what is asked."""
        found: dict[str, Any] = json.loads(self.root(HELPER_PATH, stdin=json.dumps({"protocol": 1, **request})))
        return found

    def result(self, **request: Any) -> Any:
        """The result of a request that has to be answered well."""
        answer = self.ask(**request)
        assert "error" not in answer, answer
        return answer["result"]

    def check(self, step: str, **arguments: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.result(verb="check", step=step, arguments=arguments)
        return found

    def wait(self, job: str, timeout: float = 180) -> dict[str, Any]:
        """The job's end."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.result(verb="status", job=job, wait=20)
            if told["state"] != "running":
                return told
        raise MachineError(f"job {job} does not end: {self.result(verb='log', job=job)['text'][-1500:]}")

    def do(self, job: str, step: str, secrets: dict[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
        """Run a step to its end."""
        self.result(verb="run", job=job, step=step, arguments=arguments, secrets=secrets or {})
        return self.wait(job)
