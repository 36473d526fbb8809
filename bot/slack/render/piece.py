"""What a part becomes, and what a part's renderer needs to know."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from bot.message import File
from bot.slack.render import limits
from bot.slack.render.spans import Block, weight


class Surface(StrEnum):
    """Where blocks are shown. Surfaces differ in the blocks that they take."""

    MESSAGE = "message"
    EPHEMERAL = "ephemeral"
    HOME = "home"
    MODAL = "modal"


class Native(StrEnum):
    """Blocks that reach workspaces in phases, so that some refuse them: each has a plain form."""

    TABLE = "data_table"
    CHART = "data_visualization"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Piece:
    """The blocks of one part, and its whole content as a file where the blocks hold only some of it."""

    blocks: list[Block]
    file: File | None = None

    @property
    def cost(self) -> int:
        """What it adds to the message's total."""
        return sum(map(weight, self.blocks))


@dataclass(slots=True)
class Frame:
    """One rendering: the surface, the native blocks that may be used, and what was used up so far."""

    surface: Surface
    native: frozenset[Native]
    attach: bool
    names: set[str] = field(default_factory=set)
    table_used: bool = False
    charts_used: int = 0

    @property
    def block_limit(self) -> int:
        """How many blocks the surface takes."""
        is_view = self.surface in (Surface.HOME, Surface.MODAL)
        return limits.VIEW_BLOCKS if is_view else limits.MESSAGE_BLOCKS

    def file(self, wish: str, title: str, text: str) -> File:
        """A file with a name that no other file of this message has."""
        stem = re.sub(r"[^a-z0-9]+", "-", wish.lower()).strip("-")[:40] or "more"
        name, count = f"{stem}.txt", 1
        while name in self.names:
            count += 1
            name = f"{stem}-{count}.txt"
        self.names.add(name)
        return File(name, title, text)

    def shown(self, shown: int, total: int, file: File | None) -> Block:
        """The line under a list that was cut."""
        return self.small(f"{shown} of {total} shown" + self._where(file))

    def rest(self, what: str, file: File | None) -> Block:
        """The line under a text that was cut."""
        return self.small(what + self._where(file))

    def _where(self, file: File | None) -> str:
        return f"; all of it is in {file.name}" if file is not None and self.attach else ""

    @staticmethod
    def small(text: str) -> Block:
        """A line of small print."""
        return {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": False}]}
