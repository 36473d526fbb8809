"""The host: an SSH server on a real socket that runs the helper, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from pathlib import Path
from typing import Any, cast

import asyncssh

from bot.host.protocol import HELPER_PATH
from sandbox.host.faults import HostFaults
from sandbox.host.gate import Gate
from sandbox.host.helper import HelperStandIn
from sandbox.host.jobs import Running
from sandbox.host.link import RegionLink
from sandbox.host.maas import ready
from sandbox.host.model import HostModel
from sandbox.host.settled import settle_in
from sandbox.maas import RegionStandIn

USER = "maasbot"
PROGRAM = f"sudo -n {HELPER_PATH}"


class HostStandIn:
    """One host. `speed` divides the durations of what happens there; with a `state_file` it is kept between runs."""

    def __init__(self, region: RegionStandIn, *, speed: float = 1.0, state_file: Path | None = None) -> None:
        self.faults = HostFaults()
        self.link = RegionLink(region)
        self.commands: deque[str] = deque(maxlen=10_000)
        self._state_file = state_file
        rows = json.loads(state_file.read_text(encoding="utf-8")) if state_file and state_file.exists() else None
        self.model = HostModel.load(rows["model"]) if rows else HostModel()
        self.helper = HelperStandIn(self.model, self.link, self.faults, speed=speed)
        if rows:
            self.helper.table.jobs = {row["job"]: Running.load(row) for row in rows["jobs"]}
        self._key = asyncssh.import_private_key(rows["key"]) if rows else asyncssh.generate_private_key("ssh-ed25519")
        self._other_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = (
            asyncssh.import_private_key(rows["client_key"]) if rows else asyncssh.generate_private_key("ssh-ed25519")
        )
        self._gate = Gate(self.faults)
        self._server: asyncssh.SSHAcceptor | None = None
        self._life: asyncio.Task[None] | None = None
        self._off = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self.port = 0
        #: How many answers were held back so far.
        self.withheld = 0
        self.faults.on_change(self._changed)

    def settle_in(self) -> None:
        """MAAS is installed already, with the test database, as if by hand; the region is what it knows."""
        settle_in(self.model, self.link.region)

    async def bare(self) -> None:
        """Nothing of MAAS is there any more, nor any trace of what was done."""
        await self.link.stop()
        fresh = HostModel()
        for name in ("snaps", "apt", "folders", "server", "test_server", "maas", "backups", "done"):
            setattr(self.model, name, getattr(fresh, name))

    @property
    def fresh(self) -> bool:
        """Whether nothing was ever kept of it."""
        return self._state_file is None or not self._state_file.exists()

    @property
    def known_hosts(self) -> str:
        """The line that pins its key."""
        return f"[127.0.0.1]:{self.port} {self._key.export_public_key().decode()}"

    async def start(self, port: int = 0) -> None:
        """Listens on loopback. The region must have been served before: its port is MAAS's."""
        self._server = await asyncssh.create_server(
            lambda: _Session(self),
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            encoding=None,
            process_factory=None,
            login_timeout=10,
        )
        behind = self._server.sockets[0].getsockname()[1]
        self.port = await self._gate.start("127.0.0.1", port, behind)
        if self.model.maas.mode != "none":
            self.model.maas.url = self.link.region.url
        if not self.model.maas.running:
            await self.link.stop()
        self._life = asyncio.create_task(self._live(), name="host-stand-in")

    async def stop(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        await self.helper.table.close()
        await self._gate.stop()
        if self._server is not None:
            self._server.close()
        self.link.close()
        await self.save()

    async def save(self) -> None:
        """Writes the state file, if there is to be one."""
        if self._state_file is not None:
            rows = {
                "model": self.model.dump(),
                "jobs": [one.dump() for one in self.helper.table.jobs.values()],
                "key": self._key.export_private_key().decode(),
                "client_key": self.client_key.export_private_key().decode(),
            }
            await asyncio.to_thread(_write, self._state_file, json.dumps(rows))

    def credentials(self, folder: Path) -> dict[str, str]:
        """The settings under which a bot reaches this host; its key and the pinned key are written there."""
        folder.mkdir(parents=True, exist_ok=True)
        key, known = folder / "id_maasbot", folder / "known_hosts"
        key.write_bytes(self.client_key.export_private_key())
        key.chmod(0o600)
        known.write_text(self.known_hosts, encoding="utf-8")
        return {
            "MAAS_HOST": "127.0.0.1",
            "MAAS_SSH_PORT": str(self.port),
            "MAAS_SSH_USER": USER,
            "MAAS_SSH_KEY_FILE": str(key),
            "MAAS_SSH_KNOWN_HOSTS": str(known),
        }

    # -- what the network and sshd do ---------------------------------------------------------------------------

    @property
    def host_key(self) -> asyncssh.SSHKey:
        return self._key

    def drop(self) -> None:
        """Ends every connection."""
        self._gate.drop()

    async def _live(self) -> None:
        """Time goes by on the host: MAAS's port answers a while after its services."""
        while True:
            await asyncio.sleep(0.02)
            if not self._off:
                await ready(self.helper.work())

    def _changed(self) -> None:
        off = self.faults.is_active("off")
        if off != self._off:
            self._off = off
            self._later(self._power_off() if off else self._power_on())
        if self.faults.is_active("host-key") and self._server is not None:
            self._server.update(server_host_keys=[self._other_key])
        elif self._server is not None:
            self._server.update(server_host_keys=[self._key])

    async def _power_off(self) -> None:
        self.helper.table.lose()
        await self._gate.off()
        await self.link.stop()

    async def _power_on(self) -> None:
        self.model.boot += 1
        await self._gate.on()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Session(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, host: HostStandIn) -> None:
        self._host = host
        self._faults = host.faults
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        del username
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        if self._faults.is_active("too-many-keys"):
            assert self._connection is not None
            self._connection.disconnect(asyncssh.DISC_PROTOCOL_ERROR, "Too many authentication failures")
            return False
        refused = self._faults.is_active("key-refused")
        return not refused and username == USER and key.public_data == self._host.client_key.public_data

    def session_requested(self) -> Any:
        if self._faults.take("max-sessions"):
            return False
        return self._run

    async def _run(
        self,
        stdin: asyncssh.SSHReader[bytes],
        stdout: asyncssh.SSHWriter[bytes],
        stderr: asyncssh.SSHWriter[bytes],
    ) -> None:
        command = stdout.channel.get_command()
        self._host.commands.append(str(command))
        try:
            await self._serve(str(command), stdin, stdout, stderr)
        except (asyncssh.Error, ConnectionError):
            return
        except Exception:
            # asyncssh would only end the connection, and a defect of the stand-in would look like one of the network.
            logging.getLogger("sandbox.host").exception("the stand-in failed")
            raise

    async def _serve(
        self,
        command: str,
        stdin: asyncssh.SSHReader[bytes],
        stdout: asyncssh.SSHWriter[bytes],
        stderr: asyncssh.SSHWriter[bytes],
    ) -> None:
        channel = cast(asyncssh.SSHServerChannel[bytes], stdout.channel)
        said = self._in_the_way(command)
        if said is not None:
            stderr.write(said[1].encode() + b"\n")
            channel.exit(said[0])
            return
        data = await stdin.read()
        verb, step = _named_in(data)
        if self._faults.take("drop-before", verb=verb):
            self._host.drop()
            return
        if self._faults.take("stall-before", verb=verb, step=step):
            self._host.withheld += 1
            await asyncio.Event().wait()
        answer = await self._host.helper.answer(data)
        if self._faults.take("stall", verb=verb, step=step):
            self._host.withheld += 1
            await asyncio.Event().wait()
        if slow := self._faults.take("slow", verb=verb):
            await asyncio.sleep(slow.seconds)
        if self._faults.take("killed", verb=verb):
            channel.exit_with_signal("KILL")
            return
        if self._faults.take("drop", verb=verb):
            stdout.write(answer[: len(answer) // 2])
            await stdout.drain()
            self._host.drop()
            return
        if self._faults.take("bad-bytes", verb=verb):
            answer = b"\xff\xfe" + answer
        stdout.write(answer)
        await stdout.drain()
        channel.exit(0)

    def _in_the_way(self, command: str) -> tuple[int, str] | None:
        if command != PROGRAM:
            return 1, f"Sorry, user {USER} is not allowed to execute '{command}' as root on maas-host."
        if self._faults.is_active("sudo-missing"):
            return 127, "bash: line 1: sudo: command not found"
        if self._faults.is_active("sudo-password"):
            return 1, "sudo: a password is required"
        if self._faults.is_active("sudo-no-tty"):
            return 1, (
                "sudo: a terminal is required to read the password; either use the -S option to read from standard "
                "input or configure an askpass helper"
            )
        if self._faults.is_active("helper-missing"):
            return 1, f"sudo: {HELPER_PATH}: command not found"
        return None


def _named_in(data: bytes) -> tuple[str, str]:
    """The verb and the step of a request."""
    try:
        request = json.loads(data)
        return str(request.get("verb", "")), str(request.get("step", ""))
    except (ValueError, AttributeError):
        return "", ""


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
