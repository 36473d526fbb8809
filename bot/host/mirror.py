"""Whether the host reaches a mirror: its name, its port, its answer. Asked through the SSH connection itself.

A connection that the host opens for us sees the world as the host does, and needs neither a program nor root there.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.host import errors
from bot.host.connection import HostConnection

_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class MirrorLook:
    """How far the host came: `name`, `port`, `answer`; None where it was not asked. `said` is the last word in full."""

    url: str
    name: bool | None = None
    port: bool | None = None
    answer: bool | None = None
    said: str = ""
    remedy: str = ""

    @property
    def well(self) -> bool:
        return self.answer is True or (self.port is True and self.answer is None)


async def look_at_mirror(connection: HostConnection, url: str) -> MirrorLook:
    """Ask for a mirror from the host. Raises HostError when the host itself can't be asked.

    Over HTTPS only name and port are looked at: certificates are the business of who downloads.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if not host or parts.scheme not in {"http", "https"}:
        return MirrorLook(url, said="that is no URL of a mirror", remedy="Correct the boot source.")
    request = ""
    if parts.scheme == "http":
        path = (parts.path or "/").rstrip("/") + "/streams/v1/index.json"
        request = f"HEAD {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
    try:
        said = await connection.reach(host, port, request.encode("ascii", "ignore"), patience=_PATIENCE)
    except errors.NotReached as error:
        return _not_reached(url, host, port, error.said)
    if not request:
        return MirrorLook(url, name=True, port=True, said=f"port {port} of {host} answers")
    line = said.partition(b"\r\n")[0].decode("ascii", "replace")
    status = line.split(" ")[1] if line.startswith("HTTP/") and " " in line else ""
    if status.startswith(("2", "3")):
        return MirrorLook(url, name=True, port=True, answer=True, said=f"{host} answers {status}")
    remedy = "Look at the mirror, at a proxy in between, and at the path of the boot source."
    told = f"{host} answers {status}" if status else f"{host} answers something that is no HTTP"
    return MirrorLook(url, name=True, port=True, answer=False, said=told, remedy=remedy)


def _not_reached(url: str, host: str, port: int, said: str) -> MirrorLook:
    lowered = said.lower()
    if any(word in lowered for word in ("not known", "name resolution", "no address", "unknown host")):
        remedy = "Look at the host's DNS: /maas network check, and MAAS's DNS forwarder."
        return MirrorLook(url, name=False, said=f"{host} has no address on the host ({said})", remedy=remedy)
    if "prohibited" in lowered:
        remedy = "sshd on the host forbids connections for the bot (AllowTcpForwarding); try it there: curl -I."
        return MirrorLook(url, said="the host does not let the bot look", remedy=remedy)
    remedy = "Look at the firewall and the proxy between the host and the mirror."
    return MirrorLook(
        url, name=True, port=False, said=f"port {port} of {host} can't be reached ({said})", remedy=remedy
    )
