"""Who decides on another's request. Each machine must be in the hands of the same people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.policy.asking import Approvers
from bot.policy.circle import Circle
from bot.policy.matching import Fit, Question, fit, holds_now
from bot.policy.rules import EVERYONE, Rule


@dataclass(frozen=True, slots=True)
class Bench:
    """The rules that decide about one machine: whoever one of them names may approve, the highest `needed` counts.

    `sitting` are those that surely fit and whose hours are now. The others still raise what is needed: an approval
    does not get easier by waiting for the evening.
    """

    governing: tuple[Rule, ...]
    sitting: tuple[Rule, ...]

    @property
    def needed(self) -> int:
        return max((rule.needed for rule in self.governing), default=1)


def benches(rules: Sequence[Rule], asked: Question) -> tuple[Bench, ...]:
    """The benches for all machines, each once. MAASBOT_APPROVERS counts only where no rule of the file does."""
    found: dict[tuple[str, ...], Bench] = {}
    for target in asked.each:
        fits: list[tuple[Rule, Fit]] = [(rule, fit(rule, asked, target)) for rule in rules]
        finer = [(rule, how) for rule, how in fits if how > Fit.NO and not rule.setting]
        about = finer or [(rule, how) for rule, how in fits if rule.setting]
        governing = tuple(rule for rule, _ in about)
        # Before the plan a limited rule is good enough: that is asked only to tell people what they may do.
        sure = Fit.PERHAPS if asked.targets is None else Fit.SURELY
        sitting = tuple(rule for rule, how in about if how >= sure and holds_now(rule, asked))
        key = (*(rule.title for rule in governing), "/", *(rule.title for rule in sitting))
        found[key] = Bench(governing, sitting)
    return tuple(found.values())


async def seat(bench: Bench, user_id: str, circle: Circle) -> tuple[Rule, str] | None:
    """The rule of the bench that names the person, and through which entry."""
    for rule in bench.sitting:
        through = await circle.through(rule, user_id)
        if through is not None:
            return rule, through
    return None


def no_seat(bench: Bench, asked: Question, circle: Circle) -> str:
    """Why the person may not decide there."""
    unknown = circle.unknown(*bench.sitting)
    if unknown:
        return f"Slack did not say who is in the user groups that decide on this ({'; '.join(unknown)})"
    resting = [rule for rule in bench.governing if not holds_now(rule, asked)]
    names = " and ".join(rule.title for rule in bench.sitting or bench.governing)
    if resting and not bench.sitting:
        return f"{names} holds only {' or '.join(str(span) for rule in resting for span in rule.hours)}"
    return f"{names or 'MAASBOT_APPROVERS'} does not name you as an approver of this"


async def approvers(
    rules: Sequence[Rule], denying: Sequence[Rule], asked: Question, requester_id: str, circle: Circle
) -> Approvers:
    """Who could approve now, by the rules alone; the requester never counts."""
    seats = benches(rules, asked)
    needed = max(bench.needed for bench in seats)
    groups = [frozenset[str]().union(*[await circle.people(rule) for rule in bench.sitting]) for bench in seats]
    people = frozenset.intersection(*groups) - {requester_id}
    involved = list(dict.fromkeys(rule for bench in seats for rule in bench.sitting))
    stopped = []
    for rule in denying:
        # A rule for a channel depends on where the click will be; the click is checked again.
        if rule.channels or not holds_now(rule, asked):
            continue
        if max(fit(rule, asked, target) for target in asked.each) is Fit.NO:
            continue
        # Nobody is surely outside a group that Slack won't list, so such a rule stops everyone.
        all_of_them = EVERYONE in rule.who or await circle.in_doubt(rule)
        left = frozenset[str]() if all_of_them else people - await circle.people(rule)
        if left != people:
            people = left
            stopped.append(rule)
    unknown = circle.unknown(*involved, *stopped)
    found = Approvers(needed, people, await _mentions(involved, people, circle, requester_id), unknown)
    return (
        found if len(people) >= needed else replace(found, missing=_missing(found, seats, asked, stopped, requester_id))
    )


async def _mentions(
    rules: Sequence[Rule], people: frozenset[str], circle: Circle, requester_id: str
) -> tuple[str, ...]:
    called: dict[str, frozenset[str]] = {}
    for group in dict.fromkeys(group for rule in rules for group in rule.groups):
        members = (await circle.group(group) or frozenset()) - {requester_id}
        # A group is called by its name only where everybody in it may decide.
        if members and members <= people:
            called[group] = members
    rest = people - frozenset[str]().union(*called.values())
    return (*called, *sorted(rest))


def _missing(
    found: Approvers, seats: Sequence[Bench], asked: Question, stopped: Sequence[Rule], requester_id: str
) -> str:
    needed, have = found.needed, len(found.people)
    causes = []
    resting = dict.fromkeys(rule for bench in seats for rule in bench.governing if not holds_now(rule, asked))
    for rule in dict.fromkeys(rule for bench in seats for rule in bench.sitting):
        own = ", and you can't approve what you asked for yourself" if requester_id in rule.who else ""
        causes.append(f"{rule.title} names {', '.join(rule.who) or 'nobody'}{own}")
    causes += [f"{rule.title} holds only {' or '.join(map(str, rule.hours))}" for rule in resting]
    causes += [f"{rule.title} forbids it" for rule in stopped]
    if found.unknown:
        causes.append(f"Slack did not say who is in {'; '.join(found.unknown)}")
    if not any(bench.sitting for bench in seats) and not resting:
        causes.append("no rule says who approves this")
    if len(seats) > 1:
        causes.append("different people approve for different machines of this: ask for them one by one")
    who = "nobody" if have == 0 else "only 1 person" if have == 1 else f"only {have} people"
    return f"This needs {needed} approval{'s' if needed > 1 else ''}, and {who} could approve it: {'; '.join(causes)}."
