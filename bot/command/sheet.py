"""A sheet to fill in, for what a command needs and nobody should type into a channel: passwords, long texts.

A command that lacks something raises `SheetWanted`; when the sheet has been filled in, the same words run again, with
what was filled in as `Context.given`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True, slots=True)
class Sheet:
    """A form of a few fields. `why` is said above the button that opens it.

    It may be filled in at another bot than the one that offered it, so it is nothing but words; what looks at what was
    filled in stands in the command's declaration.
    """

    title: str
    why: str
    blanks: Sequence[Blank]
    #: Who sees what is filled in, said below the button.
    note: str = "What you fill in is seen by nobody else."


class SheetWanted(Exception):  # noqa: N818 - no error: a command asks for more
    """A command needs a sheet filled in before it can go on."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(sheet.title)
        self.sheet = sheet
