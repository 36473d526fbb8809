"""Deny by default; each yes and no names its rule."""

from __future__ import annotations

import pytest

from bot.people import Door, Identity, Origin, Standing
from bot.policy import GroupUnknownError, Policy, Risk, Role

HERE = Origin(Door.COMMAND, "C0OPS")


async def members(group: str, *, fresh: bool = False) -> frozenset[str]:
    if group == "S0GONE":
        raise GroupUnknownError("user groups need a paid plan")
    return frozenset({"U0GROUP"}) if group == "S0OPS" else frozenset()


def policy(**roles: str) -> Policy:
    table = {Role(name): tuple(entries.split(",")) for name, entries in roles.items()}
    return Policy("T0", members, ("C0OPS",), table)


def person(user_id: str = "U0OLGA", team: str = "T0", standing: Standing = Standing.MEMBER) -> Identity:
    return Identity(team, user_id, "olga", standing)


async def test_nobody_may_change_anything_by_default() -> None:
    decision = await policy().may(person(), Risk.CHANGE, HERE)
    assert not decision.allowed
    assert "needs the role operator" in decision.reason


async def test_anyone_reads_in_an_allowed_channel() -> None:
    assert (await policy().may(person(), Risk.READ, HERE)).allowed
    elsewhere = await policy().may(person(), Risk.READ, Origin(Door.COMMAND, "C0RANDOM"))
    assert not elsewhere.allowed
    assert "MAASBOT_CHANNELS" in elsewhere.reason


async def test_a_role_by_user_id_or_by_group() -> None:
    it = policy(operator="U0OLGA,S0OPS")
    assert "your user id in MAASBOT_OPERATORS" in (await it.may(person(), Risk.CHANGE, HERE)).reason
    assert "user group S0OPS" in (await it.may(person("U0GROUP"), Risk.CHANGE, HERE)).reason
    assert not (await it.may(person("U0OTHER"), Risk.CHANGE, HERE)).allowed


async def test_roles_do_not_contain_each_other() -> None:
    it = policy(admin="U0OLGA", approver="U0OLGA")
    assert not (await it.may(person(), Risk.CHANGE, HERE)).allowed


async def test_a_group_that_slack_does_not_list_grants_nothing_and_is_named() -> None:
    decision = await policy(operator="S0GONE").may(person(), Risk.CHANGE, HERE)
    assert not decision.allowed
    assert "S0GONE: user groups need a paid plan" in decision.reason
    assert (await policy(operator="S0GONE,U0OLGA").may(person(), Risk.CHANGE, HERE)).allowed


@pytest.mark.parametrize("standing", [Standing.GUEST, Standing.FOREIGN, Standing.BOT, Standing.GONE])
async def test_people_who_are_never_served(standing: Standing) -> None:
    it = policy(operator="U0OLGA")
    for risk in Risk:
        assert not (await it.may(person(standing=standing), risk, HERE)).allowed


async def test_the_same_user_id_of_another_team_is_another_person() -> None:
    decision = await policy(operator="U0OLGA").may(person(team="T0OTHER"), Risk.CHANGE, HERE)
    assert not decision.allowed
    assert "other workspaces" in decision.reason


async def test_without_channels_the_bot_only_reads() -> None:
    it = Policy("T0", members, (), {Role.OPERATOR: ("U0OLGA",)})
    assert (await it.may(person(), Risk.READ, HERE)).allowed
    assert not (await it.may(person(), Risk.CHANGE, HERE)).allowed
    assert not (await policy(operator="U0OLGA").may(person(), Risk.CHANGE, Origin(Door.COMMAND, "C0RANDOM"))).allowed
