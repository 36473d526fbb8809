"""A look at the host's key for `maasbot doctor`: nobody logs in."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import asyncssh

from bot.host.errors import HostKeyChanged, KnownHostsBad
from bot.host.pinned import distrust, pinned_keys, shown_key
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
        pinned = await pinned_keys(host)
        try:
            shown = await shown_key(host, _PATIENCE, pinned.algorithms)
            well = shown.public_data in pinned.keys
        except asyncssh.KeyExchangeFailed:
            well = False
        if not well:
            trouble = await distrust(host, _PATIENCE)
            state = "has CHANGED" if isinstance(trouble, HostKeyChanged) else "is not pinned yet"
            remedy = f"It shows {trouble.fingerprint}. Compare it on the host's own console before you pin it."
            return KeyLook(False, f"its host key {state}", remedy)
    except KnownHostsBad as error:
        return KeyLook(False, error.problem, error.remedy)
    except (OSError, asyncssh.Error, TimeoutError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        remedy = "Check the address, the port, the firewall and MAAS_SSH_KNOWN_HOSTS."
        return KeyLook(False, f"{host.host}:{host.ssh_port}: {reason}", remedy)
    if host.ssh_key_file is None or not await asyncio.to_thread(host.ssh_key_file.is_file):
        return KeyLook(False, "MAAS_SSH_KEY_FILE is not there", "Set it to the bot's private key.")
    return KeyLook(True, f"{host.host}:{host.ssh_port} shows the pinned key")
