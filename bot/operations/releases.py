"""Releases that nobody knows: what may have been meant, and what there is.

What a mirror has, only the mirror knows: MAAS's API lists it nowhere, and refuses a selection only when it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

UBUNTU = "ubuntu"
#: Ubuntu's own names, those that MAAS 2.9 and later could know.
_NAMES = (
    "xenial", "bionic", "focal", "groovy", "hirsute", "impish", "jammy", "kinetic", "lunar", "mantic", "noble",
    "oracular", "plucky", "questing",
)  # fmt: skip


def doubts(releases: Sequence[str], selected: Sequence[str]) -> tuple[str, ...]:
    """What a plan warns of: Ubuntu releases that are neither known by name nor selected anywhere."""
    known = {*_NAMES, *selected}
    return tuple(
        f"I know no Ubuntu release {one}. {meant(UBUNTU, one, selected)} MAAS looks for it only when it selects it."
        for one in releases
        if one not in known
    )


def meant(os: str, release: str, selected: Sequence[str]) -> str:
    """The releases that are near to one that is not to be had, or else which there are, in a sentence."""
    known = list(dict.fromkeys([*_NAMES, *selected] if os == UBUNTU else selected))
    near = get_close_matches(release, [one for one in known if one != release], 2, 0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    if os == UBUNTU:
        return f"Ubuntu's releases are {', '.join(known)}."
    return f"Selected now: {', '.join(known) or 'nothing'}."
