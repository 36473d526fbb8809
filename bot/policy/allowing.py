"""May this person ask for it: denying rules first, then a rule that allows each machine."""

from __future__ import annotations

from collections.abc import Sequence

from bot.policy.asking import ROLE_FOR_RISK, SETTING_OF, AskTarget, Decision, Risk, Role
from bot.policy.circle import Circle
from bot.policy.matching import Fit, Question, fit, holds_here, holds_now
from bot.policy.rules import EVERYONE, Rule


async def denied(
    rules: Sequence[Rule], user_id: str, asked: Question, circle: Circle, *, open_: bool
) -> Decision | None:
    """The refusal by the first denying rule that meets the question, or None.

    What is not known of the question is held against it, so that a rule can't be dodged by asking vaguely: save where
    the ask will be put again when more is known (`open_`), and where nothing is changed.
    """
    enough = Fit.SURELY if open_ or asked.risk is Risk.READ else Fit.PERHAPS
    for rule in rules:
        if max(fit(rule, asked, target) for target in asked.each) < enough or not holds_now(rule, asked):
            continue
        # App Home is no way round a rule for a channel.
        if asked.channel is not None and not holds_here(rule, asked):
            continue
        if await circle.through(rule, user_id) is not None:
            return Decision(False, f"{rule.title} forbids it{_about(rule)}")
        if await circle.in_doubt(rule):
            return Decision(
                False,
                f"{rule.title} forbids it to user groups, and Slack did not say whether you are in them "
                f"({'; '.join(circle.unknown(rule))})",
            )
    return None


async def allowed(rules: Sequence[Rule], user_id: str, asked: Question, circle: Circle, *, open_: bool) -> Decision:
    """Yes where each machine is allowed by some rule; else no, with what comes closest to a yes."""
    enough = Fit.PERHAPS if open_ else Fit.SURELY
    holding = [rule for rule in rules if holds_here(rule, asked) and holds_now(rule, asked)]
    by: dict[str, str] = {}
    for target in asked.each:
        granting = [rule for rule in holding if fit(rule, asked, target) >= enough]
        # An unlimited rule says more than a limited one, and Slack is asked for a group only where nothing else helps.
        granting.sort(key=lambda rule: (EVERYONE not in rule.who, bool(rule.limits()), bool(rule.groups)))
        for rule in granting:
            through = await circle.through(rule, user_id)
            if through is not None:
                by[rule.title] = _grant(rule, through, open_=open_)
                break
        else:
            about = [rule for rule in rules if _is_about(rule, asked, target)]
            means = {rule: await circle.through(rule, user_id) for rule in about}
            has_rules = any(not rule.setting for rule in rules)
            return await _refusal(means, asked, target, circle, enough=enough, has_rules=has_rules)
    return Decision(True, " and ".join(by.values()))


def _is_about(rule: Rule, asked: Question, target: AskTarget | None) -> bool:
    """Whether the rule would fit if it were not limited to some places."""
    return fit(rule.model_copy(update={"pools": (), "tags": (), "regions": ()}), asked, target) is not Fit.NO


def _grant(rule: Rule, through: str, *, open_: bool) -> str:
    if rule.setting == SETTING_OF[Role.READER]:
        return "anyone in this workspace may read here"
    if rule.setting:
        return f"you are an operator through {through} in {rule.setting}"
    limits = _about(rule) if open_ else ""
    return f"{rule.title} allows it to {'everyone' if through == EVERYONE else f'you through {through}'}{limits}"


def _about(rule: Rule) -> str:
    return f" ({rule.limits()})" if rule.limits() else ""


async def _refusal(
    means: dict[Rule, str | None],
    asked: Question,
    target: AskTarget | None,
    circle: Circle,
    *,
    enough: Fit,
    has_rules: bool,
) -> Decision:
    role = ROLE_FOR_RISK[asked.risk]
    needs = f"this needs the role {role}"
    doubtful = [
        rule
        for rule in means
        if not means[rule]
        and fit(rule, asked, target) >= enough
        and holds_here(rule, asked)
        and holds_now(rule, asked)
        and await circle.in_doubt(rule)
    ]
    if doubtful:
        granted = "that grant it" if all(rule.setting for rule in doubtful) else "that could allow it"
        return Decision(
            False,
            f"{needs}, and Slack did not say who is in the user groups {granted} "
            f"({'; '.join(circle.unknown(*doubtful))}). Try again in a minute",
        )
    near = [rule for rule in means if means[rule] and not rule.setting]
    reasons = [reason for reason in (_short_of(rule, asked, target) for rule in near) if reason]
    if reasons:
        return Decision(False, f"no rule allows it to you here and now: {'; '.join(reasons[:3])}")
    finer = ", and no rule of the policy allows it to you" if has_rules else ""
    return Decision(False, f"{needs}, which {SETTING_OF[role]} does not give you{finer}")


def _short_of(rule: Rule, asked: Question, target: AskTarget | None) -> str:
    """Why a rule that means the person and is about such commands does not help."""
    if fit(rule, asked, target) is not Fit.SURELY:
        touched = f", and this touches {_words(target)}" if target is not None and (rule.pools or rule.tags) else ""
        return f"{rule.title} holds only for {rule.limits()}{touched}"
    if not holds_here(rule, asked):
        return f"{rule.title} holds only in {', '.join(rule.channels)}"
    if not holds_now(rule, asked):
        clocks = ", ".join(dict.fromkeys(f"{span.clock(asked.moment)} in {span.zone.key}" for span in rule.hours))
        return f"{rule.title} holds only {' or '.join(map(str, rule.hours))}, and it is {clocks}"
    return ""


def _words(target: AskTarget) -> str:
    if target.pool == "":
        return "no machine"
    pool = f"pool {target.pool}" if target.pool else "a machine whose pool is not known"
    return f"{pool} with {'tags ' + ', '.join(sorted(target.tags)) if target.tags else 'no tag'}"
