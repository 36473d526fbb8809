"""A kind of work in steps on a world of its own: books on a shelf, each put there by one step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from bot.command.context import Context
from bot.command.declaration import Catalog, command
from bot.maas.service import RegionService
from bot.operations.plan import Plan, Target
from bot.operations.steps import (
    OperationStep,
    StepAgainError,
    StepContext,
    StepFailedError,
    StepKind,
)
from bot.policy import Risk
from commands import operations as operation_commands

BOOKS = ("atlas", "bible", "comics")


@dataclass
class Shelf:
    """The world: what stands there, what was put there how often, and what goes wrong by book."""

    books: list[str] = field(default_factory=list)
    puts: list[str] = field(default_factory=list)
    trouble: dict[str, Callable[[], Exception | None]] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    risk: Risk = Risk.CHANGE


class Put(OperationStep):
    look_every = 0.5
    patience = 200.0

    def __init__(self, shelf: Shelf, book: str) -> None:
        self._shelf = shelf
        self._book = book
        self.key, self.title = f"put-{book}", f"The {book}"
        self.can_stop = book == "bible"

    async def check(self, context: StepContext) -> str | None:
        return "on the shelf" if self._book in self._shelf.books else None

    async def apply(self, context: StepContext) -> None:
        self._shelf.puts.append(self._book)
        context.note(f"carrying the {self._book}")
        error = self._shelf.trouble.get(self._book, lambda: None)()
        if error is not None:
            raise error
        if self._book not in self._shelf.slow:
            self._shelf.books.append(self._book)
        await asyncio.sleep(0)


class Filling(StepKind):
    name = "shelf-fill"
    verb, participle, past = "Fill", "Filling", "Filled"
    patience = 30.0

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        return tuple(Put(self._shelf, book) for book in options["books"])

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        there = self._shelf.books
        steps = self.steps(options)
        return Plan(
            kind=self.name,
            risk=self._shelf.risk,
            region=region.name,
            title="Fill the shelf",
            targets=tuple(
                Target(step.key, step.title, "there" if book in there else "missing")
                for step, book in zip(steps, options["books"], strict=True)
            ),
            steps=(),
            options=dict(options),
            subject="the shelf",
            locks=("shelf",),
            typed="shelf",
        )


def catalog() -> Catalog:
    """The commands that a test speaks: fill the shelf, and those about operations."""

    @command("shelf fill", risk=Risk.CHANGE, example="/maas shelf fill")
    async def fill(ctx: Context) -> Plan:
        """Fill the shelf."""
        return await ctx.operations.plan("shelf-fill", ctx.region, {"books": list(BOOKS)})

    family = ModuleType(fill.__module__)
    vars(family)["fill"] = fill
    return Catalog.from_modules({"Shelf": [family, operation_commands]})


__all__ = ["BOOKS", "Filling", "Shelf", "StepAgainError", "StepFailedError", "catalog"]
