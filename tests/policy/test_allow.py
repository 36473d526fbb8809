"""Who may ask: rules of the file on top of the roles, limits, denying rules, and the reasons given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.people import Standing
from bot.policy import Ask, AskTarget, Risk
from tests.policy.support import HERE, HOME, LAB, PROD, ask, person, policy

NIGHT = """
[[policy.allow]]
name = "night shift"
who = ["S0NIGHT"]
commands = ["release", "power *"]
pools = ["lab*"]
"""

GPU = """
[[policy.allow]]
name = "graphics"
who = ["U0OLGA"]
commands = ["*"]
tags = ["gpu", "scratch-*"]
"""

FREEZE = """
[[policy.deny]]
name = "no deleting in production"
who = ["everyone"]
commands = ["delete"]
pools = ["prod"]
"""


@pytest.mark.parametrize(
    ("text", "asked", "allowed", "says"),
    [
        (NIGHT, ask("release", LAB), True, 'rule "night shift" allows it to you through user group S0NIGHT'),
        (NIGHT, ask("power off", ("lab-2", "")), True, "night shift"),
        (NIGHT, ask("Power  Off", LAB), True, "night shift"),
        (NIGHT, ask("power", LAB), False, "needs the role operator"),
        (NIGHT, ask("delete", LAB), False, "no rule of the policy allows it to you"),
        (NIGHT, ask("release", PROD), False, 'rule "night shift" holds only for pool lab*, and this touches pool prod'),
        (NIGHT, ask("release", LAB, PROD), False, "this touches pool prod with no tag"),
        (NIGHT, ask("release", LAB, ("", "")), False, "a machine whose pool is not known"),
        (NIGHT, ask("release"), False, "this touches no machine"),
        (NIGHT, Ask("release", Risk.DESTRUCTIVE, "default", frozenset({"lab"})), True, "night shift"),
        (NIGHT, Ask("release", Risk.DESTRUCTIVE, "default", frozenset({"lab", "prod"})), False, "pool prod"),
        (GPU, ask("release", ("prod", "gpu virtual")), True, "graphics"),
        (GPU, ask("release", ("prod", "scratch-7"), ("lab", "gpu")), True, "graphics"),
        (GPU, ask("release", ("prod", "gpu"), ("prod", "virtual")), False, "tags virtual"),
        (GPU, ask("release", ("prod", "gpu"), ("prod", "")), False, "with no tag"),
        # Tags of all machines together do not tell that each of them has one.
        (GPU, Ask("release", Risk.CHANGE, "default", frozenset({"prod"}), frozenset({"gpu"})), False, "with no tag"),
        (NIGHT + GPU, ask("release", LAB, ("prod", "gpu")), True, ' and rule "graphics"'),
        (GPU + 'regions = ["lab-*"]', ask("release", ("x", "gpu")), False, "holds only for region lab-*"),
        (GPU + 'regions = ["lab-*"]', ask("release", ("x", "gpu"), region="lab-3"), True, "graphics"),
        (GPU + 'regions = ["lab-*"]', ask("release", ("x", "gpu"), region=""), False, "region lab-*"),
        (GPU + 'risks = ["change"]', ask("release", ("x", "gpu")), False, "needs the role operator"),
        (GPU + 'channels = ["C0LAB"]', ask("release", ("x", "gpu")), False, "holds only in C0LAB"),
        (GPU + 'channels = ["C0OPS"]', ask("release", ("x", "gpu")), True, "graphics"),
        (GPU + 'hours = "Sat-Sun 00:00-24:00 UTC"', ask("x", ("x", "gpu")), False, "and it is Wed 11:00 in UTC"),
        (GPU + 'hours = ["Sat 8:00-12:00 UTC", "Wed 11:00-11:01 UTC"]', ask("x", ("x", "gpu")), True, "graphics"),
    ],
)
async def test_allowing(text: str, asked: Ask, allowed: bool, says: str) -> None:
    decision = await policy(text).may(person(), asked, HERE)
    assert (decision.allowed, says in decision.reason) == (allowed, True), decision.reason


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (ask("delete", LAB), True),
        (ask("delete", PROD), False),
        (ask("delete", LAB, PROD), False),
        (ask("release", PROD), True),
        (ask("delete"), True),
        (ask("delete", ("", "")), False),  # its pool is not known, so it might be the one
        (Ask("delete", Risk.DESTRUCTIVE, "default", frozenset({"lab", "prod"})), False),
        (Ask("", Risk.DESTRUCTIVE, "default", frozenset({"prod"})), False),
        (Risk.DESTRUCTIVE, False),  # all that is destructive, deleting included
        (Risk.READ, True),
    ],
)
async def test_denying_wins_over_the_role(asked: Ask | Risk, allowed: bool) -> None:
    decision = await policy(FREEZE, operators="U0OLGA").may(person(), asked, HERE)
    assert decision.allowed is allowed
    if not allowed:
        assert decision.reason == 'rule "no deleting in production" forbids it (pool prod)'


async def test_a_denying_rule_for_a_channel_can_not_be_dodged_in_app_home() -> None:
    it = policy(FREEZE.replace("pools", 'channels = ["C0LAB"]\npools'), operators="U0OLGA")
    assert (await it.may(person(), ask("delete", PROD), HERE)).allowed
    assert not (await it.may(person(), ask("delete", PROD), HOME)).allowed


async def test_a_rule_for_a_channel_allows_nothing_in_app_home() -> None:
    it = policy(GPU + 'channels = ["C0OPS"]')
    assert not (await it.may(person(), ask("release", ("x", "gpu")), HOME)).allowed


async def test_without_channels_nothing_is_changed_anywhere() -> None:
    it = policy(GPU, operators="U0OLGA", channels=())
    for place in (HERE, HOME):
        assert "MAASBOT_CHANNELS is empty" in (await it.may(person(), ask("x", ("x", "gpu")), place)).reason
        assert (await it.may(person(), Ask("status", Risk.READ), place)).allowed


async def test_before_the_plan_a_limited_rule_is_enough_and_says_its_limits() -> None:
    it = policy(NIGHT + FREEZE)
    door = await it.may_plan(person(), Ask("release", Risk.DESTRUCTIVE, "default"), HERE)
    assert door.allowed
    assert door.reason == 'rule "night shift" allows it to you through user group S0NIGHT (pool lab*)'
    assert not (await it.may_plan(person("U0PAUL"), Ask("release", Risk.DESTRUCTIVE, "default"), HERE)).allowed
    assert not (await it.may_plan(person(), Ask("delete", Risk.DESTRUCTIVE, "default"), HERE)).allowed
    # Machines that are named already are judged at once.
    assert not (await it.may_plan(person(), ask("release", PROD), HERE)).allowed


async def test_a_bare_class_is_allowed_only_by_rules_without_limits() -> None:
    assert not (await policy(NIGHT).may(person(), Risk.DESTRUCTIVE, HERE)).allowed
    assert (await policy(NIGHT).may_plan(person(), Risk.DESTRUCTIVE, HERE)).allowed
    everything = NIGHT.replace('pools = ["lab*"]', "").replace('"power *"', '"*"')
    assert (await policy(everything).may(person(), Risk.DESTRUCTIVE, HERE)).allowed


async def test_reading_can_be_denied() -> None:
    it = policy('[[policy.deny]]\nname = "contractors"\nwho = ["S0LAB"]\ncommands = ["audit", "log*"]')
    assert not (await it.may_plan(person("U0LARS"), Ask("audit", Risk.READ, "default"), HERE)).allowed
    assert (await it.may_plan(person("U0LARS"), Ask("status", Risk.READ, "default"), HERE)).allowed
    assert (await it.may_plan(person("U0OLGA"), Ask("audit", Risk.READ, "default"), HERE)).allowed


async def test_a_group_that_slack_does_not_list_neither_grants_nor_lifts_a_denial() -> None:
    gone = NIGHT.replace("S0NIGHT", "S0GONE")
    decision = await policy(gone).may(person(), ask("release", LAB), HERE)
    assert not decision.allowed
    assert "S0GONE: Slack did not answer" in decision.reason
    barred = FREEZE.replace("everyone", "S0GONE")
    decision = await policy(barred, operators="U0OLGA").may(person(), ask("delete", PROD), HERE)
    assert not decision.allowed
    assert "did not say whether you are in them (S0GONE: Slack did not answer)" in decision.reason


async def test_a_workspace_without_user_groups_is_told_to_name_people() -> None:
    it = policy(
        NIGHT, groups={}, unknown="the plan of this workspace has none (paid_teams_only, usergroups.users.list)"
    )
    decision = await it.may(person(), ask("release", LAB), HERE)
    assert "the policy must name user ids instead" in decision.reason
    explained = await it.explain(person(), HERE, [Ask("release", Risk.DESTRUCTIVE), Ask("power off", Risk.CHANGE)])
    assert all(decision.reason.count("must name user ids instead") == 1 for _, decision in explained)


async def test_foreign_teams_guests_and_bots_are_turned_away_whatever_the_rules_say() -> None:
    it = policy('[[policy.allow]]\nname = "all"\nwho = ["everyone"]\ncommands = ["*"]')
    assert (await it.may(person("U0ANY"), ask("release", LAB), HERE)).allowed
    strangers = [person("U0ANY", "T0OTHER"), *(person("U0ANY", standing=one) for one in Standing if one != "member")]
    for stranger in strangers:
        for decide in (it.may, it.may_plan, it.may_break_glass):
            assert not (await decide(stranger, ask("release", LAB), HERE)).allowed


async def test_each_group_is_asked_for_once_in_an_explanation() -> None:
    calls: list[str] = []

    async def members(group: str) -> frozenset[str]:
        calls.append(group)
        return frozenset()

    barred = FREEZE.replace("everyone", "S0PROD").replace('pools = ["prod"]', "")
    it = replace(policy(NIGHT + barred), members=members)
    await it.explain(person(), HERE, [Ask(name, Risk.DESTRUCTIVE) for name in ("release", "delete", "power off")])
    assert sorted(calls) == ["S0NIGHT", "S0PROD"]
    calls.clear()
    await it.explain(person(), HERE, [Ask(name, Risk.READ) for name in ("status", "help")])
    assert calls == []


def test_the_digest_tells_policies_apart_and_the_words_name_each_rule() -> None:
    one, same, other = policy(NIGHT + FREEZE), policy(NIGHT + "# a remark\n" + FREEZE), policy(NIGHT)
    assert one.digest() == same.digest() != other.digest()
    assert policy(NIGHT, operators="U0OLGA").digest() != policy(NIGHT).digest()
    assert policy(NIGHT + 'hours = "8:00-9:00 UTC"').digest() != policy(NIGHT).digest()
    said = one.describe()
    assert 'rule "night shift": S0NIGHT may run release, power * (pool lab*)' in said
    assert 'rule "no deleting in production": everyone may not run delete (pool prod)' in said
    assert "break-glass: off" in said
    assert "MAASBOT_OPERATORS: nobody may run any command (what is change or destructive or irreversible)" in said


async def test_a_plan_of_many_machines_needs_each_allowed() -> None:
    asked = Ask.of("release", Risk.DESTRUCTIVE, "default", [AskTarget("lab", frozenset({f"t{n}"})) for n in range(500)])
    assert (await policy(NIGHT).may(person(), asked, HERE)).allowed
    worse = Ask.of("release", Risk.DESTRUCTIVE, "default", [*asked.targets, AskTarget("prod")])
    assert not (await policy(NIGHT).may(person(), worse, HERE)).allowed
