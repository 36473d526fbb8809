"""A sheet to fill in, for what a command needs and nobody should type into a channel: passwords, long texts.

A command that lacks something raises `SheetWanted`; when the sheet has been filled in, the same words run again, with
what was filled in as `Context.given`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Blank:
    """One field. With `choices` it is a select, with `lines` a text of several lines."""

    name: str
    label: str
    hint: str = ""
    choices: Sequence[str] = ()
    initial: str = ""
    optional: bool = False
    lines: bool = False
    #: Characters, at most.
    most: int = 200


def _no_faults(_values: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form of a few fields. `why` is said above the button that opens it.

    `check` looks at what was filled in, before it is taken, and says what is wrong with it, by field. It takes no
    network and no time.
    """

    title: str
    why: str
    blanks: Sequence[Blank]
    check: Callable[[Mapping[str, str]], Mapping[str, str]] = field(default=_no_faults)
    #: Who sees what is filled in, said below the button.
    note: str = "What you fill in is seen by nobody else."


class SheetWanted(Exception):  # noqa: N818 - no error: a command asks for more
    """A command needs a sheet filled in before it can go on."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet.title)
        self.sheet = sheet
