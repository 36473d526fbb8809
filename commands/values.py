"""What people give as values of options: names, comments, scripts, checked before anything is planned."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from bot.command.context import Context, RefusalError
from bot.maas.errors import clean
from bot.maas.models_machine import Script
from bot.message import Code, Message, Paragraph, Span, say

#: Characters of a comment for MAAS's event log, and of a machine's notes.
COMMENT, NOTES = 200, 1000
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")


def names(text: str) -> list[str]:
    """The names in a list with commas or blanks between them."""
    return [name for name in text.replace(" ", ",").split(",") if name]


def comment(text: str) -> str:
    """One line for MAAS's log."""
    return clean(text, COMMENT)


def hostname(text: str) -> str:
    """A host name as MAAS takes it, in lower case.

    Raises:
        RefusalError: it is none; it says which rule it breaks.
    """
    name = text.strip().lower()
    if "." in name:
        short = name.partition(".")[0]
        raise RefusalError(say("A machine's name has no domain: write ", Code(short or "node-1"), "."))
    if not _LABEL.fullmatch(name):
        shown = clean(text, 80)
        raise RefusalError(
            say(
                Code(shown or "(nothing)"),
                " is no host name: 1 to 63 letters from a to z, digits and hyphens, with no hyphen at either end.",
            )
        )
    return name


def mac(text: str) -> str:
    """A MAC address with colons, in lower case.

    Raises:
        RefusalError: it is none.
    """
    plain = re.sub(r"[^0-9a-f]", "", text.strip().lower())
    pairs = ":".join(plain[at : at + 2] for at in range(0, len(plain), 2))
    if not _MAC.fullmatch(pairs) or not re.fullmatch(r"[0-9A-Fa-f:.\- ]+", text.strip()):
        raise RefusalError(
            say(Code(clean(text, 40) or "(nothing)"), " is no MAC address; write it like ", Code("52:54:00:12:34:56"))
        )
    return pairs


def parameters(text: str) -> dict[str, str]:
    """Values for scripts, written NAME=VALUE.

    Raises:
        RefusalError: one is written otherwise.
    """
    values: dict[str, str] = {}
    for pair in names(text):
        name, equals, value = pair.partition("=")
        if not equals or not name:
            spans: list[Span] = [
                Code(pair),
                " is no parameter; write NAME=VALUE, like ",
                Code("smartctl-validate_storage=sda"),
                ".",
            ]
            raise RefusalError(Message(f"{pair} is no parameter; write NAME=VALUE.", (Paragraph(spans),)))
        values[name] = value
    return values


def one_of(what: str, wanted: str, known: Iterable[str]) -> str:
    """The name as the region has it.

    Raises:
        RefusalError: the region has none of that name; it says which there are.
    """
    there = sorted(known)
    found = next((one for one in there if one.casefold() == wanted.casefold()), None)
    if found is not None:
        return found
    near = get_close_matches(wanted, there, 1, 0.6)
    spans: list[Span] = [f"There is no {what} ", Code(clean(wanted, 60)), ". "]
    if near:
        spans += ["Did you mean ", Code(near[0]), "?"]
    else:
        spans.append(f"There are: {', '.join(there[:20])}{' and others' if len(there) > 20 else ''}.")
    raise RefusalError(say(*spans))


async def scripts(ctx: Context, wanted: Sequence[str], *, tests: bool) -> list[Script]:
    """The scripts of these names or tags.

    Raises:
        RefusalError: the region has no script of such a name or tag.
        MaasError: the scripts could not be read.
    """
    asked = [name for name in wanted if name != "none"]
    if not asked:
        return []
    known = [one for one in await ctx.region.api.scripts() if (one.tests if tests else one.commissions)]
    chosen = []
    for name in asked:
        found = [one for one in known if name == one.name or name in one.tags]
        if not found:
            what = "testing script" if tests else "commissioning script"
            one_of(what, name, {one.name for one in known} | {tag for one in known for tag in one.tags})
        chosen += found
    return chosen
