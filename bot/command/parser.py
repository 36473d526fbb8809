"""From words to a bound call. cyclopts parses; this module speaks its errors in the bot's words."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, get_type_hints

import cyclopts
from cyclopts import exceptions as faults

from bot.command.cleanup import clean, split
from bot.command.declaration import Catalog, Command
from bot.command.shared_options import BULK_OPTIONS, fold_option, join_ranges, take_option, take_pacing
from bot.command.usage import UsageError, cut
from bot.message import Code, Message, Note, Paragraph, Span, Text, say
from bot.operations.pacing import Pacing

#: Commands that are offered though none is near what was typed: a person can read so many.
_FEW = 3
#: How a sentence calls what a command needs, where its own word does not do.
_CALLED = {"url": "a web address", "ip": "an IP address", "mac": "a MAC address", "addresses": "its addresses"}


@dataclass(frozen=True, slots=True)
class Call:
    """A command with its arguments, ready to run with a context."""

    command: Command
    words: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    region: str | None = None
    reason: str = ""
    queue: bool = False
    pacing: Pacing = field(default_factory=Pacing)

    def run(self, context: Any) -> Awaitable[Any]:
        return self.command.handler(context, *self.args, **self.kwargs)


class Parser:
    """Parses what people type. Built once from the catalogue; parsing takes about a millisecond."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._apps = {command.name: _app_for(command) for command in catalog}

    def parse(self, text: str) -> Call:
        """Read one command line.

        Raises:
            UsageError: no such command, a missing or surplus word, an unknown option, a value that does not fit.
        """
        words = clean(text)
        tokens = join_ranges(split(words))
        tokens, region = take_option(tokens, "region")
        tokens, reason = take_option(tokens, "reason")
        if reason == "":
            raise UsageError(say(Code("--reason"), " needs a value: why, between quotes."))
        queue = "--queue" in tokens
        tokens = [token for token in tokens if token != "--queue"]  # noqa: S105 - a word of the command line
        # With nothing but such options: as with no words at all.
        command, rest = self._find(tokens or ["help"])
        pacing = Pacing()
        if command.bulk:
            rest, pacing = take_pacing(rest)
        app = self._apps[command.name]
        try:
            _, bound, _ = app.parse_args(
                [fold_option(token) for token in rest], exit_on_error=False, print_error=False, verbose=False
            )
        except faults.CycloptsError as error:
            raise UsageError(self._explain(command, error)) from None
        return Call(command, words, tuple(bound.args), dict(bound.kwargs), region, reason or "", queue, pacing)

    def usage(self, command: Command) -> str:
        """One line like `commission MACHINES… [--enable-ssh]`."""
        parts = [command.name]
        for parameter in _own_parameters(command.handler):
            name = parameter.name.upper().replace("_", "-")
            optional = parameter.default is not inspect.Parameter.empty
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                parts.append(f"{name.rstrip('S')}…")
            elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                flag = _flag(parameter.name)
                takes_value = not isinstance(parameter.default, bool)
                words = f"{flag} {_metavar(parameter)}" if takes_value else flag
                parts.append(f"[{words}]" if optional else words)
            else:
                parts.append(f"[{name}]" if optional else name)
        return " ".join(parts)

    def options(self, command: Command) -> list[tuple[str, str]]:
        """Each option with its description from the docstring's Args section."""
        described = _described_args(command.handler)
        own = [
            (_flag(parameter.name), described.get(parameter.name.rstrip("_"), ""))
            for parameter in _own_parameters(command.handler)
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        ]
        return [*own, *((f"--{name}", text) for name, text in BULK_OPTIONS.items())] if command.bulk else own

    def _find(self, tokens: Sequence[str]) -> tuple[Command, list[str]]:
        lowered = [token.lower() for token in tokens]
        for length in (3, 2, 1):
            command = self._catalog.get(" ".join(lowered[:length])) if len(tokens) >= length else None
            if command is not None:
                return command, list(tokens[length:])
        raise UsageError(self._no_such_command(lowered))

    def _no_such_command(self, lowered: Sequence[str]) -> Message:
        names = self._catalog.names()
        typed = lowered[0] if lowered else ""
        near = get_close_matches(" ".join(lowered[:2]), names, 2, 0.75) or get_close_matches(typed, names, 3, 0.6)
        family = [name for name in names if name.split()[0] == typed]
        typed = cut(typed)
        text: list[Span] = [Code(typed or "(nothing)"), " is no command. "]
        text += _offer(family or near) or ["Type ", Code("/maas help"), " for what there is."]
        return Message(f"{typed} is no command.", (Paragraph(text),))

    def _longer(self, command: Command, surplus: str) -> list[str]:
        """Commands that begin with this one's words: those that the surplus may mean, or else a few."""
        longer = [name for name in self._catalog.names() if name.startswith(f"{command.name} ")]
        typed = f"{command.name} {surplus}".lower()
        near = [name for name in longer if name.startswith(typed)] or get_close_matches(typed, longer, 3, 0.7)
        return near or (longer if len(longer) <= _FEW else [])

    def _explain(self, command: Command, error: faults.CycloptsError) -> Message:
        text = self._sentence(command, error)
        summary = "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in text)
        usage = Paragraph(["Usage: ", Code(f"/maas {self.usage(command)}")])
        return Message(summary, (Paragraph(text), usage, Note(["For example: ", Code(command.example)])))

    def _sentence(self, command: Command, error: faults.CycloptsError) -> Text:
        match error:
            case faults.UnknownOptionError():
                typed = error.token.keyword or error.token.value
                known = [name for name, _ in self.options(command)]
                return [
                    Code(cut(typed)),
                    f" is no option of {command.name}. ",
                    *_offer(get_close_matches(typed, known, 2, 0.5)),
                ]
            case faults.CoercionError():
                value = error.token.value if error.token is not None else ""
                return [Code(cut(value)), f" does not fit {_name_of(error)}. ", *_fitting(error)]
            case faults.MissingArgumentError() if error.argument is not None and error.keyword is None:
                return [f"{command.name} needs {_name_of(error)}."]
            case faults.MissingArgumentError():
                return [f"{_name_of(error)} needs a value."]
            case faults.RepeatArgumentError():
                return [f"{_name_of(error)} was given twice."]
            case faults.UnusedCliTokensError():
                surplus = cut(" ".join(error.unused_tokens or []))
                text: list[Span] = [f"{command.name} does not know what to do with ", Code(surplus), ". "]
                return [*text, *_offer(self._longer(command, surplus))]
            case _:
                return [f"These words do not fit {command.name}."]


def _app_for(command: Command) -> cyclopts.App:
    app = cyclopts.App(name=command.name, help_flags=[], version_flags=[], help="", result_action="return_value")
    app.default(_without_context(command.handler))
    return app


def _without_context(handler: Callable[..., Any]) -> Callable[..., Any]:
    """A function that looks like `handler` less its first parameter: people type everything but the context."""
    # Only the handler's own parameters are resolved: the context's type may not be importable from its module.
    hints = get_type_hints(handler, include_extras=True, localns={"Answer": object})
    parameters = [
        parameter.replace(annotation=hints.get(parameter.name, str)) for parameter in _own_parameters(handler)
    ]

    def shell(*_args: Any, **_kwargs: Any) -> None:
        """Only parsed for, never called."""

    shell.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    shell.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shell.__name__ = handler.__name__
    return shell


def _own_parameters(handler: Callable[..., Any]) -> list[inspect.Parameter]:
    return list(inspect.signature(handler).parameters.values())[1:]


def _described_args(handler: Callable[..., Any]) -> dict[str, str]:
    section = (inspect.getdoc(handler) or "").partition("Args:\n")[2].split("\n\n", 1)[0]
    described: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        head, colon, text = line.strip().partition(":")
        if colon and line.startswith("    ") and not line.startswith("     "):
            name = head
            described[name] = text.strip()
        elif name:
            described[name] += " " + line.strip()
    return described


def _flag(name: str) -> str:
    """`--enable-ssh` for enable_ssh, and `--range` for range_, which Python has a use for itself."""
    return "--" + name.rstrip("_").replace("_", "-")


def _metavar(parameter: inspect.Parameter) -> str:
    values = typing.get_args(parameter.annotation)
    return "|".join(map(str, values)) if values and all(isinstance(value, str) for value in values) else "…"


def _name_of(error: faults.CycloptsError) -> str:
    if error.argument is None:
        return "a value"
    name = str(error.argument.name or error.argument.field_info.name)
    if name.startswith("--"):
        return name
    name = name.strip("*").lower()
    if name in _CALLED:
        return _CALLED[name]
    word = name.rstrip("s").replace("_", " ").replace("-", " ")
    return f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def _fitting(error: faults.CoercionError) -> Text:
    choices = typing.get_args(error.target_type)
    if choices and all(isinstance(choice, str) for choice in choices):
        return ["It takes one of ", ", ".join(choices), "."]
    wanted = getattr(error.target_type, "__name__", "")
    return [{"int": "It takes a whole number.", "float": "It takes a number."}.get(wanted, "")]


def _offer(names: Sequence[str]) -> Text:
    spans: list[Span] = []
    for at, name in enumerate(names):
        spans += [" or " if at else "Did you mean ", Code(name)]
    return [*spans, "?"] if spans else []
