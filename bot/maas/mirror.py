"""What a region's host can tell of the mirror that images come from. Who has a way to the host, fills this in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.maas.image_defaults import Packaging

#: Clocks that differ by more make signatures and certificates look invalid (seconds).
CLOCK_TOLERANCE = 300.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look from the host: `good`, and what was seen, in a sentence."""

    good: bool
    seen: str


@dataclass(frozen=True, slots=True)
class MirrorFindings:
    """What the region's host sees of one mirror. None: that was not looked at.

    Attributes:
        dns: whether the mirror's name resolves.
        tcp: whether the mirror accepts a connection.
        index: whether its index is answered with status 200 and looks like one.
        signature: whether the index is signed with the source's keyring.
        clock_off: seconds by which the host's clock is ahead (negative: behind).
        free: bytes that are free where the region keeps images.
        packaging: how MAAS was installed on the host.
    """

    dns: Look | None = None
    tcp: Look | None = None
    index: Look | None = None
    signature: Look | None = None
    clock_off: float | None = None
    free: int | None = None
    packaging: Packaging | None = None

    @property
    def unreachable(self) -> Look | None:
        """The first look on the way to the mirror that failed; None when the mirror answers."""
        return next((look for look in (self.dns, self.tcp) if look is not None and not look.good), None)

    @property
    def clock_wrong(self) -> bool:
        return self.clock_off is not None and abs(self.clock_off) > CLOCK_TOLERANCE


class MirrorCheck(Protocol):
    """Looks from a region's host at a mirror."""

    async def look_at_mirror(self, url: str, keyring_filename: str) -> MirrorFindings:
        """Look now; takes seconds. Raises MaasError when the host itself can't be asked."""
