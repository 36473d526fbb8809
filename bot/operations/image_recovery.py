"""What `/maas images recover` does about each case, in words: said by the doctor, and by the plan."""

from __future__ import annotations

from collections.abc import Sequence

from bot.operations.image_cases import Case, Finding

_AGAIN = "imports again, up to three times"
_DOES = {
    Case.HELD: "waits for the end of the import that runs, and imports then",
    Case.HALF: "imports twice, the second time when the first import has ended",
    Case.NO_SOURCE: "restores MAAS's default source, selects what is there, and imports",
    Case.UNSELECTED: "selects what machines boot, and imports",
    Case.INDEX_MISSING: "imports again, which helps when the mirror answers again; it does not touch the source",
    Case.INDEX_SIGNATURE: "imports again; it does not touch the source or its keyring",
    Case.FILE_FAILED: _AGAIN,
    Case.NOT_IMPORTED: _AGAIN,
    Case.RACKS_BEHIND: "orders the racks to fetch the images",
}


def recovery(finding: Finding, restart: Sequence[str]) -> str:
    """What is done about it, to follow "it"; "" where nothing is. `restart` is what restarts the region."""
    if not finding.recovers:
        return ""
    if finding.case is Case.STALLED:
        return f"waits until somebody has restarted the region ({' or '.join(restart)}), and imports twice then"
    return _DOES[finding.case]


def recoveries(findings: Sequence[Finding], restart: Sequence[str]) -> list[str]:
    """What is done about all of them, each once."""
    return list(dict.fromkeys(filter(None, (recovery(one, restart) for one in findings))))
