"""The mirror of the images, the clock and the disk, as the region's host sees them."""

from __future__ import annotations

import time

from pydantic import ValidationError

from bot.host.facts import Mirror, MirrorArguments, QueryName
from bot.host.mirror import NO_INDEX
from bot.host.service import HostService
from bot.host.system_facts import HostFacts
from bot.maas.image_defaults import Packaging
from bot.maas.mirror import Look, MirrorFindings

#: Where a region keeps images: in its database, or below the snap's folder.
_KEPT = ("/var/lib/postgresql", "/var/snap", "/var/lib", "/var", "/")


class HostMirror:
    """Looks over the region's SSH connection. Whether the index is signed rightly can't be seen from there."""

    def __init__(self, host: HostService) -> None:
        self._host = host

    async def look_at_mirror(self, url: str, keyring_filename: str) -> MirrorFindings:
        """Look now. Raises HostError (a MaasError) when the host can't be asked."""
        del keyring_filename
        mirror = await self._mirror(url)
        began = time.time()
        facts = await self._host.helper.query(QueryName.FACTS, HostFacts)
        # The host told its time somewhere in between.
        clock_off = facts.clock.time.timestamp() - (began + time.time()) / 2
        return MirrorFindings(
            dns=Look(mirror.name, mirror.said) if mirror is not None else None,
            tcp=Look(mirror.port, mirror.said) if mirror is not None and mirror.name else None,
            index=_index(mirror) if mirror is not None and mirror.port else None,
            clock_off=clock_off,
            free=_free(facts),
            packaging=_packaging(facts),
        )

    async def _mirror(self, url: str) -> Mirror | None:
        """How far the host comes with this mirror; None when it is no address that the host may be asked about."""
        try:
            arguments = MirrorArguments(url=url)
        except ValidationError:
            return None
        return await self._host.helper.query(QueryName.MIRROR, Mirror, arguments)


def _index(mirror: Mirror) -> Look:
    if mirror.status is None:
        return Look(False, mirror.said)
    if mirror.page:
        return Look(False, NO_INDEX)
    return Look(200 <= mirror.status < 400, mirror.said or f"it answers {mirror.status}")


def _free(facts: HostFacts) -> int | None:
    disks = {one.path: one.free for one in facts.disks}
    return next((disks[where] for where in _KEPT if where in disks), None)


def _packaging(facts: HostFacts) -> Packaging | None:
    if any(one.name == "maas" for one in facts.snaps):
        return Packaging.SNAP
    if any(one.name.startswith("maas-region") and one.status == "installed" for one in facts.packages):
        return Packaging.DEB
    return None
