"""Help: what this person may run, and why."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from bot.command.context import Context, RefusalError
from bot.command.declaration import Command, command
from bot.command.runnable import runnable
from bot.message import Bold, Bullets, Code, Mark, Message, Note, Paragraph, Part, Span, Text, say
from bot.policy import Ask, Decision, Risk, Role

#: Characters that one message has for its lines, and what each line takes beside its words.
_ROOM, _FRAME = 10_000, 50
#: Commands of one class that are told by name; of more than these is told what they do, and which not.
_NAMED = 8
_CLASSES = {Risk.READ: "only looks", Risk.CHANGE: "changes something"}
_ASKS = {
    Risk.READ: "It changes nothing.",
    Risk.CHANGE: "It shows its plan first, and you confirm.",
    Risk.DESTRUCTIVE: "It shows its plan first, and another person approves.",
    Risk.IRREVERSIBLE: "It shows its plan first, another person approves, and you type the target's name.",
}


@command("help", risk=Risk.READ, example="/maas help machines")
async def help_(ctx: Context, *command_name: str) -> Message:
    """List the commands that you may run here, or explain one."""
    verdicts = await runnable(ctx.catalog, ctx.policy, ctx.person, ctx.origin, ctx.region.name)
    allowed = {one.name: decision.allowed for one, decision in verdicts.items()}
    if command_name:
        return _explain(ctx, " ".join(command_name), allowed)
    shown = [one for one in ctx.catalog if allowed[one.name]]
    # Summaries of a hundred commands are more than a message takes, and a command that is not shown is not found.
    brief = sum(len(one.example) + len(one.summary) + _FRAME for one in shown) > _ROOM
    parts: list[Part] = [Paragraph([Bold("What you can do here")])]
    for title, commands in ctx.catalog.sections.items():
        own = [one for one in commands if one in shown]
        if own:
            parts += [Paragraph([Bold(title)]), Bullets([[Code(one.example)] if brief else _line(one) for one in own])]
    parts.append(
        Note(
            [
                "In a thread: mention me, then the same words. ",
                Code("/maas help COMMAND"),
                " explains one, ",
                Code("/maas whoami"),
                " tells what you may do and why.",
            ]
        )
    )
    return Message(f"{len(shown)} commands: {', '.join(one.name for one in shown)}.", tuple(parts))


def _line(one: Command) -> Text:
    return [Code(one.example), f"  {one.summary}"]


def _explain(ctx: Context, name: str, allowed: dict[str, bool]) -> Message:
    one = ctx.catalog.get(name)
    family = [member for member in ctx.catalog.family(name) if allowed[member.name] and member is not one]
    if one is None and family:
        names = ", ".join(member.name for member in family)
        return Message(f"{name}: {names}.", (Bullets([_line(member) for member in family]),))
    if one is None or not allowed[one.name]:
        known = [candidate for candidate, may in allowed.items() if may]
        near = get_close_matches(name.lower(), known, 1)
        hint: list[Span] = [" Did you mean ", Code(near[0]), "?"] if near else [" ", Code("/maas help"), " lists them."]
        if one is not None:
            hint = [" It exists, but you may not run it here: ", Code("/maas whoami"), " says why."]
        raise RefusalError(say(Code(name), " is no command that you can run here.", *hint))
    parts: list[Part] = [
        Paragraph([Bold(one.name), f"  {one.summary}"]),
        Paragraph([Code(f"/maas {ctx.parser.usage(one)}")]),
    ]
    if one.manual:
        parts.append(Paragraph([" ".join(one.manual.replace("`", "").split())]))
    options = ctx.parser.options(one)
    if options:
        parts.append(Bullets([[Code(flag), f"  {text}"] for flag, text in options]))
    parts += [Paragraph([_asks(one)]), Paragraph(["For example: ", Code(one.example)])]
    if family:
        parts += [Paragraph(["Of the same family:"]), Bullets([_line(member) for member in family])]
    return Message(f"{one.name}: {one.summary} For example: {one.example}", tuple(parts))


def _asks(one: Command) -> str:
    return "It acts at once." if one.risk is not Risk.READ and not one.makes_plan else _ASKS[one.risk]


@command("whoami", risk=Risk.READ, example="/maas whoami")
async def whoami(ctx: Context) -> Message:
    """Tell what you may do here, and which rule says so."""
    standing = await ctx.policy.standing_of(ctx.person)
    roles = [f"{grant.role} ({grant.through})" for grant in standing.grants]
    parts: list[Part] = [
        Paragraph([Bold(ctx.person.name), "  ", Code(ctx.person.user_id)]),
        Paragraph(["Roles: ", ", ".join(roles) if roles else f"none but {Role.READER}", "."]),
    ]
    if standing.unknown:
        parts.append(Paragraph([Mark.WARN, " Slack did not say who is in: ", "; ".join(standing.unknown), "."]))
    may = await runnable(ctx.catalog, ctx.policy, ctx.person, ctx.origin, ctx.region.name)
    asks = [Ask(one.name, one.risk, ctx.region.name) for one in ctx.catalog]
    parts.append(Bullets(_verdicts(zip(asks, may.values(), strict=True))))
    approved = [ask for ask in asks if ask.risk in {Risk.DESTRUCTIVE, Risk.IRREVERSIBLE}]
    if approved:
        decisions = await ctx.policy.explain_deciding(ctx.person, ctx.origin, approved)
        parts += [
            Paragraph(["Decide on what others ask for:"]),
            Bullets(_verdicts(decisions)),
        ]
    held = ", ".join(sorted({grant.role.value for grant in standing.grants})) or "reader"
    return Message(f"{ctx.person.name}: {held}.", tuple(parts))


def _verdicts(decisions: Iterable[tuple[Ask, Decision]]) -> list[Text]:
    """One line for each rule that says yes or no, with the commands that it says it of; the yeses first."""
    commands: dict[Decision, set[str]] = {}
    by_risk: dict[Risk, list[str]] = {}
    for ask, decision in decisions:
        commands.setdefault(decision, set()).add(ask.command)
        by_risk.setdefault(ask.risk, []).append(ask.command)
    return [
        [
            Mark.OK if decision.allowed else Mark.FAIL,
            " ",
            Bold("; ".join(_classes(names, by_risk))),
            f": {decision.reason}.",
        ]
        for decision, names in sorted(commands.items(), key=lambda one: not one[0].allowed)
    ]


def _classes(names: Collection[str], by_risk: Mapping[Risk, Sequence[str]]) -> Iterator[str]:
    """The commands by name; or, where there are many, as nearly all of their class, so that a person can read it."""
    for risk, every in by_risk.items():
        own = [name for name in every if name in names]
        others = [name for name in every if name not in names]
        if risk in _CLASSES and len(own) > _NAMED and len(others) <= _NAMED:
            but = ", but for those named here" if others else ""
            yield f"all that {_CLASSES[risk]} ({len(own)} commands{but})"
        elif own:
            yield ", ".join(own)
