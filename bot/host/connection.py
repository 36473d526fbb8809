"""One SSH connection to a region's host: one pinned key, one key of ours, one program at a time a session.

asyncssh raises nothing when a connection ends under a running command, and takes the whole connection down over one
byte that is not UTF-8. So everything here is bytes, and an exit status of None is `ConnectionLost`: outcome unknown.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from dataclasses import dataclass

import asyncssh
import structlog

from bot.host import errors
from bot.host.pinned import distrust, pinned_keys
from bot.settings import HostSettings


@dataclass(frozen=True, slots=True)
class ConnectionPace:
    """Patience, in seconds. The defaults fit a real host; demo and tests make them smaller."""

    connect: float = 10.0
    login: float = 15.0
    keepalive: float = 5.0
    #: How many keepalives may stay unanswered.
    keepalives: int = 3
    #: Sessions at a time; sshd allows ten.
    sessions: int = 4


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program on the host ended. `stdout` and `stderr` are bytes as they came."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> str:
        """What it said to standard error, as text."""
        return self.stderr.decode(errors="replace")


class HostConnection:
    """Connects at the first need and again after a loss. Several callers share it."""

    def __init__(self, host: HostSettings, pace: ConnectionPace | None = None) -> None:
        self.host = host
        self._pace = pace or ConnectionPace()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._connecting = asyncio.Lock()
        self._sessions = asyncio.Semaphore(self._pace.sessions)
        self._log = structlog.get_logger("host")

    async def run(self, program: str, data: bytes, *, patience: float = 30.0, limit: int = 4_000_000) -> Ran:
        """Run a fixed program with `data` on its standard input, and read what it says.

        Args:
            program: the command line; never anything that a person typed.
            data: at least one byte, else standard input would stay open and the program wait for ever.
            patience: seconds until it must have ended.
            limit: bytes of output that are taken.

        Raises:
            HostUnreachable, HostNotSetUp, KeyFileBad, KnownHostsBad: nothing was sent.
            TooManySessions: nothing was sent.
            ConnectionLost, HostStalled, Killed: what it did is unknown.
            AnswerTooLong: it said more than `limit`.
        """
        async with self._sessions:
            connection = await self._connected()
            try:
                async with asyncio.timeout(patience):
                    return await _run(connection, program, data or b"\n", limit)
            except TimeoutError:
                # The connection itself may be well: its keepalives tell, and others may be using it.
                raise errors.HostStalled(
                    f"{self.host.host} did not answer within {patience:g} s.", outcome_unknown=True
                ) from None
            except asyncssh.ChannelOpenError as error:
                if connection.is_closed():
                    self._drop(connection)
                    raise self._lost() from None
                raise errors.TooManySessions(
                    f"{self.host.host} opens no further session on the connection ({error.reason})."
                ) from None
            except (asyncssh.Error, OSError) as error:
                self._drop(connection)
                self._log.warning("connection_lost", host=self.host.host, error=type(error).__name__)
                raise self._lost() from None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            with suppress(asyncssh.Error, OSError, TimeoutError):
                await asyncio.wait_for(connection.wait_closed(), 2.0)

    def _lost(self) -> errors.ConnectionLost:
        return errors.ConnectionLost(
            f"The connection to {self.host.host} ended before the answer was there.", outcome_unknown=True
        )

    def _drop(self, connection: asyncssh.SSHClientConnection) -> None:
        connection.abort()
        if self._connection is connection:
            self._connection = None

    async def _connected(self) -> asyncssh.SSHClientConnection:
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return self._connection
            self._connection = None
            try:
                self._connection = await self._connect()
            except (OSError, asyncssh.Error, TimeoutError) as error:
                raise self._unreachable(error) from None
            return self._connection

    async def _connect(self) -> asyncssh.SSHClientConnection:
        host, pace = self.host, self._pace
        key = await self._own_key()
        pinned = await pinned_keys(host)
        if not pinned.keys:
            raise await distrust(host, pace.connect)
        try:
            return await asyncio.wait_for(
                asyncssh.connect(
                    host.host,
                    host.ssh_port,
                    username=host.ssh_user,
                    client_keys=[key],
                    known_hosts=pinned.known,
                    server_host_key_algs=list(pinned.algorithms),
                    # Nothing of the bot's user: neither its agent nor its configuration, and no other way to log in.
                    agent_path=None,
                    config=None,
                    preferred_auth="publickey",
                    password=None,
                    x509_trusted_certs=None,
                    gss_host=None,
                    keepalive_interval=pace.keepalive,
                    keepalive_count_max=pace.keepalives,
                    connect_timeout=pace.connect,
                    login_timeout=pace.login,
                ),
                pace.connect + pace.login + 1.0,
            )
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            trouble = await distrust(host, pace.connect)
            self._log.error("host_key_not_trusted", host=host.host, reason=type(trouble).__name__)
            raise trouble from error

    async def _own_key(self) -> asyncssh.SSHKey:
        path = self.host.ssh_key_file
        if path is None:
            raise errors.HostNotSetUp("MAAS_SSH_KEY_FILE is not set, so the bot has no key to show.")
        try:
            return await asyncio.to_thread(asyncssh.read_private_key, str(path))
        except asyncssh.KeyEncryptionError:
            raise errors.KeyFileBad(f"{path} is encrypted, and nobody can type its passphrase at night.") from None
        except (asyncssh.KeyImportError, OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "no private key"
            # asyncssh says of an encrypted key without a passphrase only that it needs one.
            reason = "it is encrypted" if "passphrase" in str(error).lower() else reason
            raise errors.KeyFileBad(f"{path} can't be used: {reason}.") from None

    def _unreachable(self, error: Exception) -> errors.HostError:
        where = f"{self.host.host}, port {self.host.ssh_port}"
        user = self.host.ssh_user
        match error:
            case asyncssh.PermissionDenied():
                return errors.KeyRefused(f"{where} does not let {user} in with the bot's key.")
            case asyncssh.DisconnectError() if "too many authentication" in error.reason.lower():
                return errors.TooManyKeys(f"{where} ended the login of {user}: too many tries.")
            case asyncssh.ConnectionLost() | ConnectionResetError() | BrokenPipeError():
                return errors.NotSsh(f"{where} ended the connection before the login was done.")
            case asyncssh.Error():
                return errors.NotSsh(f"{where} does not speak SSH as it should ({error.reason}).")
            case TimeoutError():
                return errors.HostSilent(f"{where} did not answer in time.")
            case socket.gaierror():
                return errors.NameUnknown(f"{self.host.host} has no address.")
            case OSError():
                if error.errno == errno.ECONNREFUSED or isinstance(error, ConnectionRefusedError):
                    return errors.ConnectionRefused(f"{where} refuses the connection: nothing listens there.")
                if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH}:
                    return errors.NoRoute(f"There is no way to {where} on the network.")
                return errors.HostUnreachable(f"{where} can't be reached ({error.strerror or type(error).__name__}).")
        return errors.HostUnreachable(f"{where} can't be reached ({type(error).__name__}).")


async def _run(connection: asyncssh.SSHClientConnection, program: str, data: bytes, limit: int) -> Ran:
    process = await connection.create_process(program, encoding=None, term_type=None)
    try:

        async def feed() -> None:
            # A program that is not there ends before it has read anything; its own words are what counts then.
            with suppress(OSError, asyncssh.Error):
                process.stdin.write(data)
                await process.stdin.drain()
                process.stdin.write_eof()

        _, stdout, stderr = await asyncio.gather(feed(), _read(process.stdout, limit), _read(process.stderr, limit))
        if len(stdout) > limit or len(stderr) > limit:
            raise errors.AnswerTooLong(f"The host sent more than {limit // 1000} kB; the rest was not read.")
        await process.wait_closed()
    finally:
        process.close()  # without waiting: a host that is gone would not answer that either
    if process.exit_signal is not None:
        name = process.exit_signal[0]
        raise errors.Killed(f"What the bot started there was ended by the signal {name}.", outcome_unknown=True)
    status = process.exit_status
    if status is None or status < 0:
        raise errors.ConnectionLost("The connection ended before the answer was there.", outcome_unknown=True)
    return Ran(status, stdout, stderr)


async def _read(stream: asyncssh.SSHReader[bytes], limit: int) -> bytes:
    """Read to the end, or a little past `limit`."""
    parts, size = [], 0
    while size <= limit and (part := await stream.read(65536)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
