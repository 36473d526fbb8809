"""Whether a rule is about what is asked: surely, perhaps, or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from fnmatch import fnmatchcase

from bot.people import Door, Origin
from bot.policy.asking import Ask, AskTarget, Risk
from bot.policy.rules import Rule


class Fit(IntEnum):
    """PERHAPS is where the rule has a limit, and the question does not say what the limit is about."""

    NO = 0
    PERHAPS = 1
    SURELY = 2


@dataclass(frozen=True, slots=True)
class Question:
    """An ask with everything that rules look at. None is what is not known: a command, a region, the machines."""

    command: str | None
    risk: Risk
    region: str | None
    targets: frozenset[AskTarget] | None
    channel: str | None
    moment: datetime

    @property
    def each(self) -> tuple[AskTarget | None, ...]:
        """The machines one by one, or one None where they are not known."""
        if self.targets is None:
            return (None,)
        return tuple(sorted(self.targets, key=lambda one: (one.pool or "", sorted(one.tags))))


def question(ask: Ask | Risk, origin: Origin | None, moment: datetime, *, before_plan: bool = False) -> Question:
    """Put an ask into a question. `before_plan` takes machines that are not named as not known yet.

    A bare class of risk is about no particular command, region or machine.
    """
    channel = None if origin is None or origin.door is Door.HOME else origin.channel
    if isinstance(ask, Risk):
        return Question(None, ask, None, None, channel, moment)
    named = bool(ask.targets or ask.pools or ask.tags)
    return Question(
        " ".join(ask.command.lower().split()) or None,
        ask.risk,
        ask.region or None,
        None if before_plan and not named else ask.targets or _worst(ask),
        channel,
        moment,
    )


def _worst(ask: Ask) -> frozenset[AskTarget]:
    """Machines such that what holds for each of them holds for any machines with these pools and tags.

    Allowing rules need one tag of a machine, so a machine with several is allowed where one with a single one of them
    is, and one without any is the hardest; denying rules meet a machine by one tag likewise.
    """
    if not ask.pools and not ask.tags:
        return frozenset({AskTarget("")})
    tags = [frozenset[str](), *(frozenset({tag}) for tag in ask.tags)]
    return frozenset(AskTarget(pool, each) for pool in ask.pools or {None} for each in tags)


def fit(rule: Rule, asked: Question, target: AskTarget | None) -> Fit:
    """How surely `rule` is about `asked` on `target`; its hours, channels and people are not looked at."""
    if rule.risks and asked.risk not in rule.risks:
        return Fit.NO
    return min(_fit_command(rule, asked), _fit_name(rule.regions, asked.region), _fit_target(rule, target))


def holds_here(rule: Rule, asked: Question) -> bool:
    """Whether the channel is one of the rule's. App Home is no channel, and so none of them."""
    return not rule.channels or asked.channel in rule.channels


def holds_now(rule: Rule, asked: Question) -> bool:
    return not rule.hours or any(span.hold(asked.moment) for span in rule.hours)


def _fit_command(rule: Rule, asked: Question) -> Fit:
    if "*" in rule.commands:
        return Fit.SURELY
    return _fit_name(rule.commands, asked.command) if rule.commands else Fit.NO


def _fit_name(patterns: tuple[str, ...], name: str | None) -> Fit:
    if not patterns:
        return Fit.SURELY
    if name is None:
        return Fit.PERHAPS
    return Fit.SURELY if _any(patterns, name) else Fit.NO


def _fit_target(rule: Rule, target: AskTarget | None) -> Fit:
    if not rule.pools and not rule.tags:
        return Fit.SURELY
    if target is None:
        return Fit.PERHAPS
    if rule.tags and not any(_any(rule.tags, tag) for tag in target.tags):
        return Fit.NO
    if rule.pools and target.pool is None:
        return Fit.PERHAPS
    return Fit.SURELY if not rule.pools or (target.pool and _any(rule.pools, target.pool)) else Fit.NO


def _any(patterns: tuple[str, ...], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
