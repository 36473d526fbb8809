"""The host's pinned key: told apart from an unknown one and a changed one, and pinned at first."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from bot.host.errors import HostKeyChanged, HostKeyUnknown, HostNotSetUp, KnownHostsBad
from bot.settings import HostSettings


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the file of pinned keys says of one host."""

    known: asyncssh.SSHKnownHosts
    keys: frozenset[bytes]
    #: Algorithms in which the pinned keys sign; empty when none is pinned. Asked for these, a host with several keys
    #: shows the pinned one, and does not look changed.
    algorithms: tuple[str, ...]


async def pinned_keys(host: HostSettings) -> Pinned:
    """Read the file of pinned keys; a file that is not there pins nothing.

    Raises:
        HostNotSetUp: the settings name no file.
        KnownHostsBad: it can't be read.
        OSError: the host's name has no address.
    """
    if host.ssh_known_hosts is None:
        raise HostNotSetUp("MAAS_SSH_KNOWN_HOSTS is not set, so no key of the host can be pinned.")
    path = host.ssh_known_hosts
    try:
        text = await asyncio.to_thread(_read, path)
        known = asyncssh.import_known_hosts(text)
    except (OSError, ValueError, asyncssh.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not in known_hosts format"
        raise KnownHostsBad(f"{path} can't be read ({reason}).") from None
    trusted, *_ = known.match(host.host, await _address(host.host), host.ssh_port)
    algorithms = [one.decode() for key in trusted for one in key.sig_algorithms]
    return Pinned(known, frozenset(key.public_data for key in trusted), tuple(dict.fromkeys(algorithms)))


async def shown_key(host: HostSettings, patience: float, algorithms: tuple[str, ...] = ()) -> asyncssh.SSHKey:
    """Ask the host for its key. Nobody logs in, and nothing is run.

    Raises:
        OSError, asyncssh.Error, TimeoutError: no answer, or none in SSH.
    """
    asking = asyncssh.get_server_host_key(host.host, host.ssh_port, config=None, server_host_key_algs=algorithms or ())
    key = await asyncio.wait_for(asking, patience)
    if key is None:
        raise asyncssh.ProtocolError("the host showed no key")
    return key


async def distrust(host: HostSettings, patience: float) -> HostKeyChanged | HostKeyUnknown:
    """What to say of a host whose key was not accepted: asyncssh says the same of a changed and an unknown one.

    Raises:
        OSError, asyncssh.Error, TimeoutError: it does not show its key.
    """
    pinned = await pinned_keys(host)
    try:
        key = await shown_key(host, patience, pinned.algorithms)
    except asyncssh.KeyExchangeFailed:
        key = await shown_key(host, patience)  # it has no key of the pinned kind any more
    fingerprint = key.get_fingerprint()
    if pinned.keys:
        return HostKeyChanged(
            f"{host.host} shows another key than the pinned one: {fingerprint}. That is what an attack looks like, and "
            "what a newly installed host looks like. Nothing was sent.",
            fingerprint=fingerprint,
        )
    return HostKeyUnknown(f"No key of {host.host} is pinned yet; it shows {fingerprint}.", fingerprint=fingerprint)


async def pin(host: HostSettings, key: asyncssh.SSHKey) -> None:
    """Write the key of a host that has none into the file of pinned keys. Writing it twice is harmless.

    Raises:
        HostKeyChanged: another key is pinned; a person has to remove it by hand.
        HostNotSetUp, KnownHostsBad: see `pinned_keys`.
    """
    pinned = await pinned_keys(host)
    if key.public_data in pinned.keys:
        return
    if pinned.keys:
        raise HostKeyChanged(f"Another key of {host.host} is pinned already; it was left as it is.")
    name = host.host if host.ssh_port == 22 else f"[{host.host}]:{host.ssh_port}"
    assert host.ssh_known_hosts is not None
    try:
        await asyncio.to_thread(_append, host.ssh_known_hosts, f"{name} ".encode() + key.export_public_key())
    except OSError as error:
        raise KnownHostsBad(f"{host.ssh_known_hosts} can't be written ({error.strerror}).") from None


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _append(path: Path, line: bytes) -> None:
    """Add a line so that a crash leaves the old file or the new one, whole."""
    before = path.read_bytes() if path.exists() else b""
    fresh = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with fresh.open("wb") as file:
        file.write(before if not before or before.endswith(b"\n") else before + b"\n")
        file.write(line if line.endswith(b"\n") else line + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


async def _address(host: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
