"""The cases of images that do not arrive, and what is found of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Case(StrEnum):
    """The cases that there are. What each looks like and what recovers: docs/images-do-not-arrive.md."""

    HEALTHY = "healthy"
    STARTING = "starting"
    RUNNING = "running"
    SLOW = "slow"
    STALLED = "stalled"
    HELD = "held"
    HALF = "half"
    NO_SOURCE = "no-source"
    UNSELECTED = "unselected"
    INDEX_MISSING = "index-missing"
    INDEX_SIGNATURE = "index-signature"
    INDEX_UNREAD = "index-unread"
    FILE_FAILED = "file-failed"
    NOT_IMPORTED = "not-imported"
    UNREACHABLE = "unreachable"
    CLOCK = "clock"
    NO_SPACE = "no-space"
    RACKS_BEHIND = "racks-behind"
    NO_RACK = "no-rack"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so.

    Attributes:
        case: which of the cases.
        title: it, in a sentence.
        words: what that means, in plain words.
        evidence: what was seen.
        remedy: what recovers, in sentences; () when nothing has to be done.
        recovers: `/maas images recover` does it.
    """

    case: Case
    title: str
    words: str = ""
    evidence: tuple[str, ...] = ()
    remedy: tuple[str, ...] = ()
    recovers: bool = False
