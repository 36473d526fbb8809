"""The host's key: pinned, unknown, or changed. asyncssh says the same of the last two, so they are told apart here."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

import asyncssh

from bot.settings import HostSettings

_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class KeyLook:
    """What a look at a host's key found. `remedy` is empty when it is well."""

    well: bool
    found: str
    remedy: str = ""


async def look_at_host_key(host: HostSettings) -> KeyLook:
    """Ask the host for its key and hold it against the pinned one. Nobody logs in, and nothing is run."""
    if host.ssh_known_hosts is None:
        return KeyLook(False, "no host key is pinned", "Set MAAS_SSH_KNOWN_HOSTS to a file with the host's key.")
    try:
        pinned = asyncssh.read_known_hosts(str(host.ssh_known_hosts))
        key = await asyncio.wait_for(asyncssh.get_server_host_key(host.host, host.ssh_port, config=None), _PATIENCE)
        address = await _address(host.host)
    except (OSError, asyncssh.Error, TimeoutError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        remedy = "Check the address, the port, the firewall and MAAS_SSH_KNOWN_HOSTS."
        return KeyLook(False, f"{host.host}:{host.ssh_port}: {reason}", remedy)
    trusted, *_ = asyncssh.match_known_hosts(pinned, host.host, address, host.ssh_port)
    if key is None or key.public_data not in {one.public_data for one in trusted}:
        fingerprint = key.get_fingerprint() if key is not None else "none"
        state = "has CHANGED" if trusted else "is not pinned yet"
        remedy = f"It shows {fingerprint}. Compare it on the host's own console before you pin it."
        return KeyLook(False, f"its host key {state}", remedy)
    if host.ssh_key_file is None or not await asyncio.to_thread(host.ssh_key_file.is_file):
        return KeyLook(False, "MAAS_SSH_KEY_FILE is not there", "Set it to the bot's private key.")
    return KeyLook(True, f"{host.host}:{host.ssh_port} shows the pinned key")


async def _address(host: str) -> str:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return str(found[0][4][0])
