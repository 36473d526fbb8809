"""What holds for every policy, every person and every ask."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.people import Door, Identity, Origin, Standing
from bot.policy import Ask, AskTarget, Effect, Policy, Risk, Role, Rule, Rules
from tests.policy.support import CARDS, members_of

PEOPLE = ("U0A0", "U0B0", "U0C0", "U0D0")
GROUPS = ("S0X0", "S0Y0", "S0GONE")
COMMANDS = ("release", "power on", "power off", "delete")
POOLS = ("lab", "prod")
TAGS = ("gpu", "virtual")
CHANNELS = ("C0OPS", "C0LAB", "C0OTHER")
RISKY = (Risk.CHANGE, Risk.DESTRUCTIVE, Risk.IRREVERSIBLE)

# Making a policy takes its time where many tests run at once, and that is no fault of the policy's.
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

people = st.sampled_from(PEOPLE)
entries = st.lists(st.sampled_from(PEOPLE + GROUPS), max_size=3, unique=True)
members = st.fixed_dictionaries({group: st.frozensets(people) for group in GROUPS if group != "S0GONE"})
places = st.builds(Origin, st.just(Door.COMMAND), st.sampled_from(CHANNELS)) | st.just(Origin(Door.HOME))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
targets = st.builds(AskTarget, st.sampled_from(POOLS) | st.none(), st.frozensets(st.sampled_from(TAGS)))
asks = st.builds(
    Ask.of,
    st.sampled_from(COMMANDS),
    st.sampled_from(RISKY),
    st.sampled_from(("", "a", "b")),
    st.lists(targets, max_size=3),
)


def some(*values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True).map(tuple)


@st.composite
def rule_of(draw: st.DrawFn, effect: Effect, name: str) -> Rule:
    who = draw(entries)
    given_ = {
        "effect": effect,
        "name": name,
        "who": who or (["everyone"] if effect in {Effect.DENY, Effect.ALLOW} and draw(st.booleans()) else [PEOPLE[0]]),
        "commands": draw(some("*", "release", "power *", "d?lete", *COMMANDS)),
    }
    limits = {"regions": some("a", "?"), "pools": some("*", *POOLS), "tags": some("*", *TAGS)}
    if effect in {Effect.ALLOW, Effect.DENY}:
        limits["channels"] = some(*CHANNELS)
    if effect is not Effect.BREAK_GLASS:
        limits["hours"] = some("Mon-Fri 22:00-06:00 Europe/Berlin", "08:00-16:00 UTC")
        limits["risks"] = some("destructive", "irreversible")
    else:
        given_["for"] = "1h"
    if effect is Effect.APPROVE:
        given_["needed"] = draw(st.integers(1, 3))
    for key, values in limits.items():
        if draw(st.integers(0, 3)) == 0:
            given_[key] = draw(values)
    return Rule.model_validate(given_)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    effects = draw(st.lists(st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.APPROVE, Effect.DENY]), max_size=5))
    made = [draw(rule_of(effect, f"r{number}")) for number, effect in enumerate(effects)]
    if draw(st.booleans()):
        made.append(draw(rule_of(Effect.BREAK_GLASS, "break-glass")))
    moment = draw(moments)
    roles = {role: tuple(draw(entries)) for role in (Role.OPERATOR, Role.APPROVER, Role.ADMIN)}
    listed = members_of(draw(members))
    return Policy("T0", listed, CHANNELS[:2], roles, Rules(rules=tuple(made)), "C0CARDS", now=lambda: moment)


def person(user_id: str) -> Identity:
    return Identity("T0", user_id, user_id, Standing.MEMBER)


def with_rule(policy: Policy, rule: Rule) -> Policy:
    return replace(policy, rules=Rules(rules=(*policy.rules.rules, rule)))


async def yeses(policy: Policy, user_id: str, ask: Ask, place: Origin) -> list[bool]:
    """All that the policy may say yes to, for one person and one ask."""
    who = person(user_id)
    decisions = [
        await policy.may(who, ask, place),
        await policy.may_plan(who, ask, place),
        await policy.may_plan(who, replace(ask, targets=frozenset(), pools=frozenset(), tags=frozenset()), place),
        await policy.may(who, ask.risk, place),
        await policy.may_decide(who, ask, "U0REQUESTER", place),
        await policy.may_break_glass(who, ask, place),
    ]
    assert all(decision.reason for decision in decisions)
    return [decision.allowed for decision in decisions]


@given(policies(), rule_of(Effect.DENY, "added"), people, asks, places)
@COMMON
def test_another_denying_rule_never_allows_more(
    policy: Policy, deny: Rule, user_id: str, ask: Ask, place: Origin
) -> None:
    async def check() -> None:
        before = await yeses(policy, user_id, ask, place)
        after = await yeses(with_rule(policy, deny), user_id, ask, place)
        assert all(was or not now for was, now in zip(before, after, strict=True))
        fewer = await with_rule(policy, deny).approvers(ask, "U0REQUESTER")
        assert fewer.people <= (await policy.approvers(ask, "U0REQUESTER")).people

    asyncio.run(check())


@given(policies(), people, asks, places)
@COMMON
def test_denying_wins(policy: Policy, user_id: str, ask: Ask, place: Origin) -> None:
    deny = Rule(effect=Effect.DENY, name="all", who=(user_id,), commands=("*",))
    assert not any(asyncio.run(yeses(with_rule(policy, deny), user_id, ask, place)))


@given(policies(), rule_of(Effect.ALLOW, "added"), people, asks, places)
@COMMON
def test_another_allowing_rule_never_allows_less_and_makes_nobody_an_approver(
    policy: Policy, allow: Rule, user_id: str, ask: Ask, place: Origin
) -> None:
    async def check() -> None:
        before = await yeses(policy, user_id, ask, place)
        after = await yeses(with_rule(policy, allow), user_id, ask, place)
        assert all(now or not was for was, now in zip(before, after, strict=True))
        assert before[4] == after[4]

    asyncio.run(check())


@given(policies(), asks, people, places | st.just(CARDS))
@COMMON
def test_the_requester_never_decides(policy: Policy, ask: Ask, user_id: str, place: Origin) -> None:
    async def check() -> None:
        assert not (await policy.may_decide(person(user_id), ask, user_id, place)).allowed
        found = await policy.approvers(ask, user_id)
        assert user_id not in found.people
        assert user_id not in found.mentions
        assert bool(found.missing) is (len(found.people) < found.needed)

    asyncio.run(check())


@given(policies(), asks)
@COMMON
def test_those_who_are_called_are_those_who_may_decide(policy: Policy, ask: Ask) -> None:
    async def check() -> None:
        found = await policy.approvers(ask, "U0REQUESTER")
        may = {one for one in PEOPLE if (await policy.may_decide(person(one), ask, "U0REQUESTER", CARDS)).allowed}
        assert may <= found.people
        # Denying rules for a channel depend on where the click is, and only they.
        if not any(rule.channels for rule in policy.rules.of(Effect.DENY)):
            assert may == found.people

    asyncio.run(check())


@given(policies(), asks, people, places)
@COMMON
def test_a_group_that_slack_does_not_list_never_helps(policy: Policy, ask: Ask, user_id: str, place: Origin) -> None:
    silent = replace(policy, members=members_of({}))
    asyncio.run(check_groups(silent, user_id, ask, place))
    asyncio.run(check_all(policy, silent, user_id, ask, place))


async def check_groups(silent: Policy, user_id: str, ask: Ask, place: Origin) -> None:
    only_groups = tuple(
        rule.model_copy(update={"who": rule.groups}) for rule in silent.rules.rules if rule.effect is not Effect.DENY
    )
    roles = {role: tuple(one for one in who if one.startswith("S")) for role, who in silent.roles.items()}
    assert not any(await yeses(replace(silent, rules=Rules(rules=only_groups), roles=roles), user_id, ask, place))


async def check_all(policy: Policy, silent: Policy, user_id: str, ask: Ask, place: Origin) -> None:
    heard = await yeses(policy, user_id, ask, place)
    unheard = await yeses(silent, user_id, ask, place)
    assert all(was or not now for was, now in zip(heard, unheard, strict=True))


@given(policies(), asks, people, places, st.sampled_from([one for one in Standing if one is not Standing.MEMBER]))
@COMMON
def test_strangers_are_never_served(policy: Policy, ask: Ask, user_id: str, place: Origin, standing: Standing) -> None:
    async def check() -> None:
        for who in (Identity("T0", user_id, "x", standing), Identity("T0OTHER", user_id, "x", Standing.MEMBER)):
            assert not (await policy.may(who, ask, place)).allowed
            assert not (await policy.may_plan(who, Risk.READ, place)).allowed
            assert not (await policy.may_decide(who, ask, "U0REQUESTER", place)).allowed
            assert not (await policy.may_break_glass(who, ask, place)).allowed

    asyncio.run(check())


@given(policies(), asks, people, places)
@COMMON
def test_knowing_less_of_the_machines_never_allows_more(policy: Policy, ask: Ask, user_id: str, place: Origin) -> None:
    """Pools and tags of all machines together, where the policy knows them machine by machine otherwise."""
    known = [AskTarget(one.pool or "lab", one.tags) for one in ask.targets] or [AskTarget("lab")]
    ask = Ask.of(ask.command, ask.risk, ask.region, known)
    together = replace(ask, targets=frozenset())

    async def check() -> None:
        who = person(user_id)
        for vague, exact in (
            (await policy.may(who, together, place), await policy.may(who, ask, place)),
            (
                await policy.may_decide(who, together, "U0REQUESTER", place),
                await policy.may_decide(who, ask, "U0REQUESTER", place),
            ),
        ):
            assert exact.allowed or not vague.allowed
        assert (await policy.approvers(together, "")).needed >= (await policy.approvers(ask, "")).needed

    asyncio.run(check())


@given(policies(), asks, people, places)
@COMMON
def test_each_machine_of_an_allowed_plan_is_allowed_by_itself(
    policy: Policy, ask: Ask, user_id: str, place: Origin
) -> None:
    async def check() -> None:
        who = person(user_id)
        singles = [Ask.of(ask.command, ask.risk, ask.region, [one]) for one in ask.targets]
        each = [(await policy.may(who, single, place)).allowed for single in singles]
        if singles:
            assert (await policy.may(who, ask, place)).allowed is all(each)

    asyncio.run(check())


@given(policies(), asks, people, places)
@COMMON
def test_what_is_allowed_passes_the_door(policy: Policy, ask: Ask, user_id: str, place: Origin) -> None:
    async def check() -> None:
        who = person(user_id)
        if (await policy.may(who, ask, place)).allowed:
            nothing_known = Ask(ask.command, ask.risk, ask.region)
            assert (await policy.may_plan(who, nothing_known, place)).allowed

    asyncio.run(check())


@given(policies(), asks, people, places)
@COMMON
def test_a_denying_rule_for_a_group_that_slack_does_not_list_denies_everyone(
    policy: Policy, ask: Ask, user_id: str, place: Origin
) -> None:
    barred = with_rule(policy, Rule(effect=Effect.DENY, name="all", who=("S0GONE",), commands=("*",)))
    assert not any(asyncio.run(yeses(barred, user_id, ask, place)))
    assert not asyncio.run(barred.approvers(ask, "U0REQUESTER")).people


@given(policies(), rule_of(Effect.DENY, "added"), people, asks, places)
@COMMON
def test_a_class_that_is_allowed_as_a_whole_is_allowed_in_each_part(
    policy: Policy, deny: Rule, user_id: str, ask: Ask, place: Origin
) -> None:
    free = replace(policy, roles={Role.OPERATOR: (user_id,)}, rules=Rules())
    for it in (policy, with_rule(free, deny)):
        if asyncio.run(it.may(person(user_id), ask.risk, place)).allowed:
            assert asyncio.run(it.may(person(user_id), ask, place)).allowed


@given(rule_of(Effect.DENY, "added"), people, asks, places, moments)
@COMMON
def test_a_machine_whose_pool_is_not_known_is_allowed_only_where_every_pool_is(
    deny: Rule, user_id: str, ask: Ask, place: Origin, moment: datetime
) -> None:
    it = Policy(
        "T0", members_of({}), CHANNELS[:2], {Role.OPERATOR: (user_id,)}, Rules(rules=(deny,)), now=lambda: moment
    )
    unknown = Ask.of(ask.command, ask.risk, ask.region, [AskTarget(None, frozenset(TAGS))])
    if asyncio.run(it.may(person(user_id), unknown, place)).allowed:
        for pool in POOLS:
            known = Ask.of(ask.command, ask.risk, ask.region, [AskTarget(pool, frozenset(TAGS))])
            assert asyncio.run(it.may(person(user_id), known, place)).allowed
