"""Watches, what happened, and what is to be told of it: values, no behaviour. Times are seconds since the epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.message import Mark


class What(StrEnum):
    """What a channel can watch. A guide is a watch on machines that ends by itself."""

    MACHINES = "machines"
    FAILURES = "failures"
    IMAGES = "images"
    HOST = "host"
    GUIDE = "guide"


class Sort(StrEnum):
    """What kind of thing happened: it decides how it is told, and which buttons go below it."""

    APPEARED = "appeared"
    FAILED = "failed"
    STUCK = "stuck"
    #: Anything else: the text is all there is to it.
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Watch:
    """One channel's wish. `quiet` is a span of hours as people write it, "" for none; `until` ends a guide."""

    id: str
    team_id: str
    channel: str
    thread: str
    what: What
    region: str
    quiet: str
    person_id: str
    person_name: str
    created_at: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened once.

    Attributes:
        sort: what kind of thing.
        subject: what it is about: a machine's system id, an image, a rack.
        name: the same as people call it.
        text: one sentence that stands alone, or the state that a machine came to.
        mark: how bad it is.
        remedy: what a person does next, in a sentence.
        mentions: people who asked to be told.
        at: when it was seen.
    """

    sort: Sort
    subject: str
    name: str
    text: str
    mark: Mark = Mark.IDLE
    remedy: str = ""
    mentions: tuple[str, ...] = ()
    at: float = 0.0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Happening:
        found: dict[str, Any] = json.loads(text)
        found |= {"sort": Sort(found["sort"]), "mark": Mark(found["mark"]), "mentions": tuple(found["mentions"])}
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Notice:
    """One happening that one watch is to be told. `message` is set once it is decided into which message it goes."""

    id: str
    watch: Watch
    happening: Happening
    at: float
    message: str = ""
    posted_at: float | None = None
    settled: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """How long some machine was in a state, in seconds."""

    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Looked:
    """What a source saw: the memory to begin the next look with, and what is new since the last."""

    memory: dict[str, Any]
    happenings: tuple[Happening, ...] = ()
    spans: tuple[Span, ...] = field(default=())
