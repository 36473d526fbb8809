"""How a command is declared: once, as a typed async function. Everything else about it is derived."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.policy import Risk

_ATTRIBUTE = "__maasbot_command__"

#: A read answers with a Message; anything above read with a Plan, which is shown and asked for first.
Handler = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Handler)
Faults = Callable[[Mapping[str, str]], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words, its risk, an example to copy, and the function that does it.

    `machine` names the parameter that takes machines, where there is one: the command form offers a search for it.
    `decides` marks the commands of approvers: help shows them to nobody else.
    `admins` marks those of admins, likewise.
    `faults` looks at what was filled in on the command's sheet, before it is taken, and says what is wrong with it, by
    field. It takes no network and no time.
    """

    name: str
    risk: Risk
    example: str
    handler: Handler
    machine: str | None = None
    decides: bool = False
    admins: bool = False
    faults: Faults | None = None

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.handler) or "").split("\n", 1)[0]

    @property
    def manual(self) -> str:
        """The docstring below its first line, up to a blank section for programmers ('Raises:')."""
        rest = (inspect.getdoc(self.handler) or "").partition("\n")[2].strip()
        return rest.split("\nArgs:", 1)[0].split("Args:\n", 1)[0].split("\nRaises:", 1)[0].strip()

    @property
    def makes_plan(self) -> bool:
        """Whether it answers with a plan, which is shown and asked for first, or acts at once."""
        answer = inspect.signature(self.handler).return_annotation
        told = answer if isinstance(answer, str) else getattr(answer, "__name__", "")
        return "Plan" in told.split(" | ")

    @property
    def bulk(self) -> bool:
        """Whether it plans work on any number of machines: it takes the options of every bulk then."""
        kinds = {parameter.kind for parameter in inspect.signature(self.handler).parameters.values()}
        return self.makes_plan and self.machine is not None and inspect.Parameter.VAR_POSITIONAL in kinds

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(self.name.split())


def command(
    name: str,
    *,
    risk: Risk,
    example: str,
    machine: str | None = None,
    decides: bool = False,
    admins: bool = False,
    faults: Faults | None = None,
) -> Callable[[F], F]:
    """Declare the function below as the command `name`. The function stays what it was."""

    def declare(handler: F) -> F:
        setattr(handler, _ATTRIBUTE, Command(name, risk, example, handler, machine, decides, admins, faults))
        return handler

    return declare


class Catalog:
    """All commands by name, in the sections and the order in which help shows them."""

    def __init__(self, sections: Mapping[str, Iterable[Command]]) -> None:
        self._sections = {title: tuple(commands) for title, commands in sections.items()}
        self._commands = {command.name: command for commands in self._sections.values() for command in commands}

    @classmethod
    def from_modules(cls, sections: Mapping[str, Iterable[Any]]) -> Catalog:
        """Collect what the modules of each section declare, in the order of their lines."""
        return cls(
            {title: [one for module in modules for one in _declared(module)] for title, modules in sections.items()}
        )

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def get(self, name: str) -> Command | None:
        return self._commands.get(" ".join(name.lower().split()))

    def names(self) -> list[str]:
        return list(self._commands)

    @property
    def sections(self) -> Mapping[str, Sequence[Command]]:
        """The commands by the title of their section."""
        return self._sections

    def family(self, word: str) -> list[Command]:
        """The commands that begin with this word: "power" has `power on`, `power off` and others."""
        return [command for command in self if command.words[0] == word.lower()]


def _declared(module: Any) -> list[Command]:
    declared = [getattr(value, _ATTRIBUTE, None) for value in vars(module).values()]
    own = [one for one in declared if one is not None and one.handler.__module__ == module.__name__]
    return sorted(own, key=lambda one: one.handler.__code__.co_firstlineno)
