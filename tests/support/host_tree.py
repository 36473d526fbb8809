"""The integration host's tree of files: Debian with systemd, sshd and sudo, and a package repository of its own.

Made once by mmdebstrap and kept in `.test-host/`, under a name that changes with what goes into it. Inside, apt
knows folders only: /srv/apt with PostgreSQL and all that it needs, and what a test's machine puts beside it. So nothing
that the tests install comes from elsewhere. `python -m tests.support.host_tree` makes it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".test-host"
SUITE = "bookworm"
_BASE = (
    "systemd", "systemd-sysv", "libpam-systemd", "dbus", "sudo", "openssh-server", "python3", "iproute2", "procps",
    "apt-utils",
)  # fmt: skip
_IDLE = (
    "apt-daily-upgrade.timer",
    "apt-daily.timer",
    "e2scrub_reap.service",
    "getty.target",
    "ldconfig.service",
    "systemd-binfmt.service",
    "systemd-hwdb-update.service",
    "systemd-networkd.service",
)
_TOOLS = ("mmdebstrap", "systemd-nspawn", "dpkg-deb")


class TreeError(Exception):
    """The tree can't be made here."""


def _source() -> tuple[str, str]:
    """(mirror, suite): this machine's own Debian mirror, where it has one."""
    for path in sorted(Path("/etc/apt").glob("**/*.sources")):
        lines = path.read_text(encoding="utf-8").splitlines()
        fields = dict(one.split(": ", 1) for one in lines if ": " in one and not one.startswith("#"))
        if SUITE in fields.get("Suites", "").split():
            return fields["URIs"].split()[0], SUITE
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt").glob("sources.list.d/*.list"))]:
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            words = [one for one in line.split() if not one.startswith("[") and not one.endswith("]")]
            if words[:1] == ["deb"] and len(words) > 3 and words[2] == SUITE:
                return words[1], SUITE
    return "http://deb.debian.org/debian", SUITE


def tree() -> Path:
    """The tree's folder, made if it is not there yet.

    Raises:
        TreeError: not root, a program is missing, or the packages can't be fetched.
    """
    if os.geteuid() != 0:
        raise TreeError("needs root")
    missing = [one for one in _TOOLS if shutil.which(one) is None]
    if missing:
        raise TreeError(f"needs {', '.join(missing)} (Debian: apt install mmdebstrap systemd-container)")
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    made = CACHE / f"tree-{recipe}"
    CACHE.mkdir(exist_ok=True)
    # Several tests may start at once: one of them makes it.
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "whole").exists():
            for old in CACHE.glob("tree-*"):
                shutil.rmtree(old)
            _make(made)
            (made / "whole").touch()
    return made / "files"


def _make(folder: Path) -> None:
    files = folder / "files"
    folder.mkdir()
    mirror, suite = _source()
    run(
        "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(_BASE)}", "--mode=root",
        '--customize-hook=chroot "$1" apt-get install -y -q --download-only postgresql',
        '--customize-hook=mkdir -p "$1/srv/apt"; cp "$1"/var/cache/apt/archives/*.deb "$1/srv/apt/"',
        suite, str(files), mirror,
    )  # fmt: skip
    index(files / "srv/apt")
    # What the stand-in snaps bring along: PostgreSQL that is there without being installed.
    carried = files / "opt/standin/postgres"
    carried.mkdir(parents=True)
    for package in (files / "srv/apt").glob("*.deb"):
        run("dpkg-deb", "-x", str(package), str(carried))
    for path in [files / "etc/apt/sources.list", *(files / "etc/apt/sources.list.d").glob("*")]:
        path.unlink(missing_ok=True)
    (files / "etc/apt/sources.list").write_text(
        "deb [trusted=yes] file:/srv/apt ./\ndeb [trusted=yes] file:/srv/standin ./\n", encoding="utf-8"
    )
    # mmdebstrap leaves it out, and a purge fails without it.
    (files / "var/lib/dpkg/available").touch()
    (files / "etc/hostname").write_text("maas-host\n", encoding="utf-8")
    (files / "etc/hosts").write_text("127.0.0.1 localhost\n127.0.1.1 maas-host\n", encoding="utf-8")
    # Nothing here needs them, and they cost time at each start.
    for unit in _IDLE:
        (files / "etc/systemd/system" / unit).unlink(missing_ok=True)
        (files / "etc/systemd/system" / unit).symlink_to("/dev/null")


def index(repository: Path) -> None:
    """Write the list by which apt knows a folder's packages."""
    entries = []
    for package in sorted(repository.glob("*.deb")):
        control = run("dpkg-deb", "-f", str(package)).strip()
        data = package.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        entries.append(f"{control}\nFilename: ./{package.name}\nSize: {len(data)}\nSHA256: {digest}\n")
    (repository / "Packages").write_text("\n".join(entries), encoding="utf-8")


def run(*words: str) -> str:
    """Run a program that has to come to a good end; returns its output."""
    ran = subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ran.returncode:
        raise TreeError(f"{words[0]} failed: {ran.stderr.strip()[-600:]}")
    return ran.stdout


if __name__ == "__main__":
    try:
        print(tree())  # noqa: T201
    except TreeError as error:
        sys.exit(f"the integration host can't be made: {error}")
