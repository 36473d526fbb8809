"""Rules about pools and tags hold for every kind of work on machines, whatever else its plan rests on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.operations.all_kinds import machine_kinds
from tests.chaos.orders import ORDERS
from tests.endtoend.approving import with_policy
from tests.kinds.steps import machine, power_form, said
from tests.support.harness import VICTOR, running

#: `add` is about a machine that is not there yet: it has a pool, and no tags.
KINDS = [kind.name for kind in machine_kinds() if kind.name != "add"]
_DENIED = """
[[policy.deny]]
name = "hands off what is marked"
who = ["everyone"]
commands = ["*"]
tags = ["hands-off"]
"""
_ALLOWED = """
[[policy.allow]]
name = "the guest of one pool"
who = ["U0VICTOR"]
commands = ["*"]
pools = ["ci"]
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_a_denying_rule_for_a_tag(tmp_path: Path, kind: str) -> None:
    order = ORDERS[kind]
    async with running(tmp_path, settings=with_policy(tmp_path, _DENIED)) as it:
        order.prepare(it.world)
        one = machine(it.world, order.name)
        it.world.region.world.alter(order.name, tags=[*one.tags, "hands-off"])
        await it.bot.regions["default"].fleet.refresh([one.system_id])
        if order.fill:
            offer = await it.talk.ask(order.words)
            refusal = str((await power_form(it.talk, offer)).blocks)
        else:
            refusal = said(await it.talk.ask(order.words))
        assert "hands off what is marked" in refusal
        assert not await it.bot.operations.recent()


@pytest.mark.parametrize("kind", [one for one in KINDS if not ORDERS[one].fill])
async def test_an_allowing_rule_for_a_pool(tmp_path: Path, kind: str) -> None:
    """Victor may do nothing else."""
    order = ORDERS[kind]
    async with running(tmp_path, settings=with_policy(tmp_path, _ALLOWED)) as it:
        order.prepare(it.world)
        world = it.world.region.world
        one = machine(it.world, order.name)
        pools = {pool.name: pool.id for pool in world.pools.values()}
        world.alter(order.name, pool=pools["default"])
        await it.bot.regions["default"].fleet.refresh([one.system_id])
        assert 'rule "the guest of one pool" holds only for pool ci' in said(
            await it.talk.ask(order.words, user=VICTOR)
        )
        world.alter(order.name, pool=pools["ci"])
        await it.bot.regions["default"].fleet.refresh([one.system_id])
        await it.talk.ask(order.words, user=VICTOR)
        [operation] = await it.bot.operations.recent()
        assert operation.requester_id == VICTOR
