"""Why images do not arrive: from the evidence to the case, in plain words, with what recovers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bot.maas.images import ImageName
from bot.maas.import_state import LastImport, Phase
from bot.operations.image_cases import Case, Finding
from bot.operations.image_evidence import Evidence
from bot.operations.image_surroundings import around, causes
from bot.operations.image_words import listing, percent, progress, size
from bot.operations.verdict import remaining

_IMPORTING_FROM = "Importing images from source"
_STARTED = "Started importing"
#: What tells an index that is not accepted from one that can't be opened, of which MAAS leaves a notice.
_NO_NOTICE = "the last import ended without loading anything, and without the notice that a missing index leaves"


def diagnose(evidence: Evidence) -> list[Finding]:
    """What is so, the cause before what follows from it. Never empty."""
    found = list(causes(evidence))
    found += _import(evidence) if evidence.state.phase.importing else _at_rest(evidence)
    found += around(evidence)
    if all(one.case in {Case.KEY, Case.NO_RACK} for one in found) and not evidence.state.phase.importing:
        found.append(_healthy(evidence))
    return found


def needs_work(findings: list[Finding]) -> bool:
    """Whether `/maas images recover` has something to do."""
    return any(one.recovers for one in findings)


# -- an import runs ----------------------------------------------------------------------------------------------------


def _import(evidence: Evidence) -> Iterator[Finding]:
    state = evidence.state
    match state.phase:
        case Phase.STALLED:
            yield _stalled(evidence)
        case Phase.STARTING:
            yield Finding(
                Case.STARTING,
                "An import has begun and reads the mirror's index.",
                "That takes seconds, with a slow mirror minutes. I say so when nothing comes of it.",
                (progress(state),),
            )
        case Phase.SLOW:
            yield Finding(
                Case.SLOW,
                "An import runs, slowly. It has not stalled: bytes arrive.",
                "MAAS shows progress in steps of 10 MiB, so minutes without a change are normal at this rate.",
                (progress(state),),
                ("Leave it alone: stopping it throws away what has arrived. A nearer mirror would be faster.",),
            )
        case _:
            yield Finding(Case.RUNNING, "An import runs.", "", (progress(state),))
    held = [name for name in evidence.missing if not any(one.name == name for one in evidence.images)]
    if held and state.phase in {Phase.RUNNING, Phase.SLOW, Phase.STALLED} and name_known(evidence):
        yield Finding(
            Case.HELD,
            f"{listing(held)} {'is' if len(held) == 1 else 'are'} selected, and not part of the import that runs.",
            "That import holds the lock. MAAS answers yes to another order, and nothing comes of it.",
            (f"the import has run for {remaining(evidence.now - (state.began or evidence.now))}",),
            ("Wait for its end, then import again.",),
            recovers=True,
        )


def name_known(evidence: Evidence) -> bool:
    """Whether images are there to compare with: right after the start of an import their list is short."""
    return evidence.state.total > 0


def _stalled(evidence: Evidence) -> Finding:
    state = evidence.state
    at = f"at {percent(state.percent)} of {size(state.total)}" if state.total else "while it reads the mirror's index"
    return Finding(
        Case.STALLED,
        f"The import has stalled {at}.",
        "The mirror keeps the connection open and sends nothing, and MAAS waits for it without a limit. As long as it "
        "does, MAAS ignores a further import, a stop, and even that the image is deleted: no order gets out of it.",
        (
            "an import runs, as MAAS says itself",
            f"nothing has arrived for {remaining(state.unchanged_for)}",
        ),
        (
            f"Restart the region on its host: {' or '.join(evidence.restart)}.",
            "Then import twice: the first import only removes what is half there, the second loads it.",
        ),
        recovers=True,
    )


# -- no import runs ----------------------------------------------------------------------------------------------------


def _at_rest(evidence: Evidence) -> Iterator[Finding]:
    if evidence.sources is not None and not evidence.sources:
        yield _no_source(evidence)
        return
    if evidence.notices:
        yield _index_missing(evidence)
        return
    half = evidence.half
    if half:
        yield _half(evidence)
    rest = [name for name in evidence.missing if name not in {one.name for one in half}]
    if rest:
        yield _missing(evidence, rest)


def _no_source(evidence: Evidence) -> Finding:
    there = evidence.doomed
    words = (
        "Somebody deleted it. The next import, which MAAS begins by itself every hour, makes its default source again"
    )
    words += f", with one release selected, and deletes the other images ({listing(there)})." if there else "."
    restore = "Restore MAAS's default source, select what is there, then import."
    if there and evidence.packaging is None:
        # MAAS's own way would delete what is there, and for ours the place of the keyring has to be known.
        restore = "/maas images source reset --snap, or --deb, as MAAS was installed, restores it and keeps the images."
    can = evidence.packaging is not None or not there
    seen = ("the list of boot sources is empty",)
    return Finding(Case.NO_SOURCE, "MAAS has no source of images.", words, seen, (restore,), recovers=can)


def _half(evidence: Evidence) -> Finding:
    half = evidence.half
    return Finding(
        Case.HALF,
        f"{listing([one.name for one in half])} {'is' if len(half) == 1 else 'are'} half there, and no import runs.",
        "The region was restarted in the middle of an import. MAAS takes the half files for complete ones: the next "
        "import loads nothing and removes them, and only the one after that loads them.",
        tuple(f"{one.name}: {percent(one.percent)} of {size(one.size)}" for one in half),
        ("Import twice, the second when the first has ended.",),
        recovers=True,
    )


def _index_missing(evidence: Evidence) -> Finding:
    return Finding(
        Case.INDEX_MISSING,
        "MAAS can't read the mirror's index.",
        "The mirror is away, or the source's URL is wrong. Images that are there stay; no new one comes.",
        tuple(f"MAAS says: {text}" for text in evidence.notices),
        (
            "If the URL is wrong, /maas images source reset sets it to MAAS's own mirror.",
            "When the mirror answers again, import again: that also takes MAAS's notice away.",
        ),
        recovers=True,
    )


def _missing(evidence: Evidence, names: list[ImageName]) -> Finding:
    lacks = f"{listing(names)} {'is' if len(names) == 1 else 'are'} wanted and not there, and no import runs."
    bad_index = _host_says(evidence, "index")
    bad_signature = _host_says(evidence, "signature")
    last = evidence.state.last
    if last is not None and not set(names) & set(last.missing or ()):
        last = None  # what is missing now was selected, or deleted, after that one
    if bad_index:
        return Finding(
            Case.INDEX_MISSING,
            "The mirror does not answer with an index.",
            lacks,
            bad_index,
            ("If the URL is wrong, /maas images source reset sets it to MAAS's own mirror. Then import again.",),
            recovers=True,
        )
    if bad_signature or _ended_at_the_index(evidence, last):
        return _signature(evidence, lacks, bad_signature)
    if last is not None and last.files:
        return _file_failed(lacks, last)
    return Finding(
        Case.NOT_IMPORTED,
        lacks,
        "MAAS keeps no record of why. Mostly nothing was imported since it was selected, or a file of it could not be "
        "loaded.",
        tuple(_last_seen(evidence)),
        ("Import. MAAS sometimes needs two.",),
        recovers=True,
    )


def _file_failed(lacks: str, last: LastImport) -> Finding:
    gone = f"it had begun to load {listing(last.vanished)}, and dropped it" if last.vanished else ""
    seen = (
        f"the last import was to load {last.files} files"
        + (f", and {size(last.loaded)} arrived" if last.loaded else ""),
        *([gone] if gone else []),
    )
    return Finding(
        Case.FILE_FAILED,
        "The last import ended early: a file could not be loaded.",
        f"{lacks} The file was missing on the mirror, cut, of a wrong checksum, or there was no room for it. MAAS "
        "drops the image then, and leaves no event and no notice, only lines in regiond.log.",
        seen,
        ("Import again. If it ends so twice, look for the file's name in regiond.log on the region's host.",),
        recovers=True,
    )


def _signature(evidence: Evidence, lacks: str, seen: tuple[str, ...]) -> Finding:
    named = [one.source for one in evidence.sources or ()]
    keyrings = tuple(f"{one.url} is checked with {one.keyring_filename or 'a keyring of its own'}" for one in named)
    return Finding(
        Case.INDEX_SIGNATURE,
        "MAAS does not accept the mirror's index.",
        f"{lacks} The import ended before it began to load: the index is signed with another key than the source's "
        "keyring holds, or the keyring is not there. MAAS tells that to nobody.",
        (*(seen or (_NO_NOTICE,)), *keyrings),
        (
            *(() if seen else ("Import again: if the region was restarted in that moment, that was all.",)),
            "Correct the source's keyring: on a snap it is below /snap/maas/current/usr/share/keyrings, and a path "
            "below /usr/share is wrong there.",
            "/maas images source reset sets URL and keyring to MAAS's own. Then import again.",
        ),
        recovers=True,
    )


def _ended_at_the_index(evidence: Evidence, last: LastImport | None) -> bool:
    """Whether the import that ended last got no further than the index, and left no notice."""
    if last is not None:
        return not last.files
    if evidence.state.last is not None:
        return False
    newest = evidence.log[0] if evidence.log else None
    # Past the index MAAS logs which source it imports from.
    return newest is not None and newest.description.startswith(_STARTED)


def _host_says(evidence: Evidence, what: str) -> tuple[str, ...]:
    looks = [(one, getattr(one.host, what)) for one in evidence.sources or () if one.host is not None]
    return tuple(
        f"seen from the region's host: {one.source.url}: {look.seen}"
        for one, look in looks
        if look is not None and not look.good
    )


def _last_seen(evidence: Evidence) -> Iterator[str]:
    newest = next((one for one in evidence.log if one.description.startswith((_STARTED, _IMPORTING_FROM))), None)
    if newest is None:
        yield "MAAS's log knows of no import"
    elif newest.at is not None:
        yield f"the last import that MAAS logged began {remaining(evidence.now - newest.at.timestamp())} ago"


def _healthy(evidence: Evidence) -> Finding:
    count = len({one.name for one in evidence.wanted})
    title = f"All {count} wanted images are complete." if count > 1 else "The wanted image is complete."
    if evidence.sources is None:
        complete = sum(1 for one in evidence.images if one.complete)
        return Finding(Case.HEALTHY, f"{complete} of {len(evidence.images)} images are complete.", "No import runs.")
    return Finding(Case.HEALTHY, title, "No import runs, and none has to.")
