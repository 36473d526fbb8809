"""Options that many commands take, wherever they stand among the words, and words that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from bot.command.usage import UsageError, cut
from bot.message import Code, Span, say
from bot.operations.pacing import Pacing

#: What every command takes that plans work on any number of machines, and what each means.
BULK_OPTIONS = {
    "at-once": "how many machines at the same time",
    "canary": "so many machines first, and the others only if these end well",
    "stop-after": "begin no further machine after so many failures",
}
_DASHES = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212") | {"--"}


def take_option(tokens: Sequence[str], name: str) -> tuple[list[str], str | None]:
    """Take `--name VALUE` or `--name=VALUE` out of the words: every command takes it, wherever it stands.

    Returns the other words, and the value; None where the option is not among them, "" where its value is missing.

    Raises:
        UsageError: it is given twice.
    """
    found: list[str] = []
    rest: list[str] = []
    words = list(tokens)
    while words:
        token = words.pop(0)
        option, equals, value = fold_option(token).partition("=")
        if option != f"--{name}":
            rest.append(token)
        elif equals or not words or words[0].startswith("--"):
            found.append(value)
        else:
            found.append(words.pop(0))
    if len(found) > 1:
        raise UsageError(say(Code(f"--{name}"), " was given twice."))
    return rest, found[0] if found else None


def take_pacing(tokens: Sequence[str]) -> tuple[list[str], Pacing]:
    """Take the options of every bulk out of the words.

    Raises:
        UsageError: the value of one is no number from 1 up.
    """
    given: dict[str, int] = {}
    rest: list[str] = []
    words = iter(tokens)
    for token in words:
        name, equals, value = fold_option(token).partition("=")
        if name.removeprefix("--") not in BULK_OPTIONS or not name.startswith("--"):
            rest.append(token)
            continue
        value = value if equals else next(words, "")
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 100_000):
            fits: list[Span] = [Code(cut(value)), f" does not fit {name}."] if value else [f"{name} needs a value."]
            raise UsageError(say(*fits, " It takes a whole number from 1 up, like ", Code(f"{name} 3"), "."))
        given[name.removeprefix("--").replace("-", "_")] = int(value)
    return rest, Pacing(**given)


def fold_option(token: str) -> str:
    """MAAS writes enable_ssh, people --enable-ssh: both are the same option, in any case."""
    if not token.startswith("--"):
        return token
    name, equals, value = token.partition("=")
    return name.lower().replace("_", "-") + equals + value


def join_ranges(tokens: Sequence[str]) -> list[str]:
    """Make one word of `10.0.0.10 - 10.0.0.20`: a range with blanks around its dash."""
    joined: list[str] = []
    words = list(tokens)
    while words:
        if len(words) > 2 and words[1] in _DASHES and _is_address(words[0]) and _is_address(words[2]):
            joined.append(f"{words[0]}-{words[2]}")
            del words[:3]
        else:
            joined.append(words.pop(0))
    return joined


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True
