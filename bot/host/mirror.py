"""Whether the host reaches a mirror of images: its name, its port, its answer, each with what to do about it."""

from __future__ import annotations

from pydantic import ValidationError

from bot.host.client import HelperClient
from bot.host.facts import Mirror, MirrorArguments, QueryName
from bot.host.looks import Finding
from bot.host.system_facts import HostFacts

#: Free space below which an import of images is likely to fail in the middle, in bytes.
_ROOM = 10_000_000_000

#: What is said of a mirror that answers with HTML.
NO_INDEX = "it answers with a web page, where the mirror's index should be"


async def look_at_mirror(helper: HelperClient, url: str) -> Finding:
    """Ask the host how far it comes with this mirror. Raises HostError when the host can't be asked."""
    try:
        arguments = MirrorArguments(url=url)
    except ValidationError:
        remedy = "Correct the boot source: http://HOST/PATH, without a user name or a query."
        return Finding(name="Mirror", well=False, found="that is no URL of a mirror", remedy=remedy)
    return told(await helper.query(QueryName.MIRROR, Mirror, arguments))


def told(mirror: Mirror) -> Finding:
    """What the look at a mirror means."""
    said = f" ({mirror.said})" if mirror.said else ""
    if not mirror.name:
        remedy = "Look at the host's DNS: /maas network check, and MAAS's DNS forwarder."
        return Finding(name="Mirror", well=False, found=f"{mirror.url}: its name has no address{said}", remedy=remedy)
    if not mirror.port:
        remedy = "Look at the firewall and the proxy between the host and the mirror."
        return Finding(name="Mirror", well=False, found=f"{mirror.url}: its port can't be reached{said}", remedy=remedy)
    if mirror.status is None:
        remedy = "Look at the mirror's certificate, and at a proxy in between."
        return Finding(name="Mirror", well=False, found=f"{mirror.url}: it gives no answer{said}", remedy=remedy)
    if mirror.page:
        remedy = "Look at the URL of the boot source, and at a portal or proxy in between."
        return Finding(name="Mirror", well=False, found=f"{mirror.url}: {NO_INDEX}", remedy=remedy)
    well = 200 <= mirror.status < 400
    remedy = "" if well else "Look at the mirror, at a proxy in between, and at the path of the boot source."
    return Finding(name="Mirror", well=well, found=f"{mirror.url}: it answers {mirror.status}{said}", remedy=remedy)


def room_for_images(facts: HostFacts) -> Finding:
    """Whether there is room where MAAS keeps its images."""
    least = min(facts.disks, key=lambda disk: disk.free, default=None)
    if least is None:
        return Finding(name="Disk", well=True, found="its size is not known")
    well = least.free >= _ROOM
    remedy = "" if well else "Make room: an import that runs out of it stops without a word."
    found = f"{least.free / 1e9:.1f} GB free on {least.path}"
    return Finding(name="Disk", well=well, found=found, remedy=remedy)
