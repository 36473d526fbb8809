"""What stands around an import: the mirror as the host sees it, the host itself, what is selected, the racks. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.operations.image_cases import Case, Finding
from bot.operations.image_evidence import Evidence, SourceSeen
from bot.operations.image_words import listing, size
from bot.operations.verdict import remaining

#: A source this young (seconds) may not have had its index read yet.
_YOUNG = 180.0
#: Below this much free room (bytes) the host's disk is named, whatever is to be loaded.
_LITTLE_ROOM = 500_000_000


def causes(evidence: Evidence) -> Iterator[Finding]:
    for seen in evidence.sources or ():
        host = seen.host
        if host is None:
            continue
        where = seen.source.url
        unreachable = host.unreachable
        if unreachable is not None:
            yield Finding(
                Case.UNREACHABLE,
                "The region's host does not reach the mirror.",
                "MAAS loads images from there itself: without a way to it nothing arrives.",
                (f"{where}: {unreachable.seen}",),
                ("Mend the host's DNS, route, firewall or proxy, then import again.",),
            )
        if host.clock_wrong and host.clock_off is not None:
            ahead = "ahead" if host.clock_off > 0 else "behind"
            yield Finding(
                Case.CLOCK,
                f"The clock of the region's host is {remaining(abs(host.clock_off))} {ahead}.",
                "Signatures and certificates of the mirror look invalid then.",
                (),
                ("Set the clock (chrony or systemd-timesyncd on the host), then import again.",),
            )
        room = _room_needed(evidence)
        if host.free is not None and host.free < room:
            yield Finding(
                Case.NO_SPACE,
                f"The disk of the region's host is full: {size(host.free)} are free.",
                "MAAS keeps images in its database on that disk. An import that finds no room ends without a word.",
                (f"what is missing needs about {size(room)}",),
                ("Make room on the host, or drop images that nobody uses (/maas images remove), then import again.",),
            )
            break


def _room_needed(evidence: Evidence) -> int:
    half = sum(one.size - one.done for one in evidence.half)
    known = [one.size for one in evidence.images if one.size and not one.uploaded]
    usual = max(known, default=0)
    gone = sum(1 for name in evidence.missing if not any(one.name == name for one in evidence.images))
    return max(half + gone * usual, _LITTLE_ROOM)


def around(evidence: Evidence) -> Iterator[Finding]:
    if evidence.sources is None:
        yield Finding(
            Case.KEY,
            "The bot's API key may not read the sources of images.",
            "So what is wanted is not known; only an administrator's key reads it.",
            (),
            ("Give the bot the key of a MAAS administrator.",),
        )
    empty = [one for one in evidence.sources or () if not one.selections]
    for one in empty:
        yield _nothing_selected(evidence, one)
    release = evidence.commissioning
    chosen = {(one.os, one.release) for one in evidence.selections}
    if evidence.sources and release and ("ubuntu", release) not in chosen and not empty:
        yield Finding(
            Case.UNSELECTED,
            f"ubuntu/{release}, which machines boot to be commissioned, is not selected.",
            "It is not kept up to date, and the next import deletes it.",
            (),
            (f"Select it: /maas images add ubuntu/{release}.",),
            recovers=True,
        )
    yield from _racks(evidence)


def _nothing_selected(evidence: Evidence, one: SourceSeen) -> Finding:
    changed = one.source.changed_at
    age = evidence.now - changed.timestamp() if changed is not None else None
    if age is not None and age < _YOUNG:
        return Finding(
            Case.INDEX_UNREAD,
            "A source is new, and nothing is selected of it yet.",
            "Until MAAS has read its index, a second or two later, it refuses selections as if the release did not "
            "exist. /maas images add waits for that.",
            (f"{one.source.url} was added or changed {remaining(age)} ago",),
            ("Select what you want: /maas images add OS/RELEASE.",),
        )
    return Finding(
        Case.UNSELECTED,
        "Nothing is selected of a source.",
        "Nothing is imported from it.",
        (f"{one.source.url}",),
        ("Select what you want: /maas images add OS/RELEASE.",),
        recovers=bool(evidence.commissioning),
    )


def _racks(evidence: Evidence) -> Iterator[Finding]:
    if not evidence.racks:
        yield Finding(
            Case.NO_RACK,
            "No rack controller is connected.",
            "Machines boot from a rack controller: without one no image reaches them.",
            (),
            ("See /maas status; start the rack controller.",),
        )
        return
    behind = [one for one in evidence.racks if one.images is not None and one.images.status == "out-of-sync"]
    if behind and not evidence.state.phase.importing:
        names = listing([one.name for one in behind])
        yield Finding(
            Case.RACKS_BEHIND,
            f"The region's images have not reached the rack controller{'s' if len(behind) > 1 else ''} {names}.",
            "Machines boot from the racks, which fetch the images from the region by themselves within some minutes.",
            tuple(f"{one.name} is {one.images.status}" for one in behind if one.images is not None),
            ("Order the racks to fetch them.",),
            recovers=True,
        )
