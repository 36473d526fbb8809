"""Answers that are lost, refused or late: each order is carried out once, or the thread says that it was not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kinds.steps import agree, done, effects, machine
from tests.support.harness import Running, running, until


@dataclass(frozen=True)
class Order:
    """One kind: its words, the call that it makes of MAAS, and how it ends well."""

    words: str
    name: str
    call: dict[str, str]
    effect: str
    past: str


ORDERS = {
    "release": Order("release node-1", "node-1", {"op": "release"}, "release", "Released node-1"),
    "delete": Order("delete node-3", "node-3", {"method": "DELETE"}, "delete", "Deleted node-3"),
    "power off": Order("power off node-1", "node-1", {"op": "power_off"}, "power_off", "Powered off node-1"),
    "power on": Order("power on node-11", "node-11", {"op": "power_on"}, "power_on", "Powered on node-11"),
    "rename": Order("rename node-3 db-1", "node-3", {"method": "PUT"}, "update", "Renamed node-3"),
    "deploy": Order("deploy node-2 --series noble", "node-2", {"op": "deploy"}, "deploy", "Deployed node-2"),
    "test": Order("test node-2", "node-2", {"op": "test"}, "test", "Tested node-2"),
    "broken": Order("broken node-12", "node-12", {"op": "mark_broken"}, "mark_broken", "Marked broken node-12"),
}
#: Those that look at the machine once more right before they ask.
LOOKING = [kind for kind in ORDERS if kind not in {"power on", "rename"}]

EACH = pytest.mark.parametrize("kind", ORDERS)


async def planned(it: Running, order: Order) -> tuple[Any, str]:
    """The plan's message, and the system id of its machine."""
    one = machine(it.world, order.name)
    if order.effect in {"power_on", "mark_broken"}:
        one.power_state, one.owner = "off", "admin"
        await it.bot.regions["default"].fleet.refresh([one.system_id])
    return await it.talk.ask(order.words), one.system_id


@EACH
async def test_the_answer_is_lost(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset", count=1, **order.call)
        await agree(it.talk, plan)
        await done(it.talk, plan, order.past, "1 of 1 done")
        assert effects(it.world, system_id) == {order.effect: 1}


@EACH
async def test_the_request_is_lost(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset-before", count=1, **order.call)
        await agree(it.talk, plan)
        await done(it.talk, plan, order.past, "1 of 1 done")
        assert effects(it.world, system_id) == {order.effect: 1}


@EACH
async def test_the_region_has_no_time(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("server-error", status=503, count=1, **order.call)
        await agree(it.talk, plan)
        await done(it.talk, plan, order.past, "1 of 1 done")
        assert effects(it.world, system_id) == {order.effect: 1}


@EACH
async def test_every_request_is_lost(tmp_path: Path, kind: str) -> None:
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset-before", **order.call)
        await agree(it.talk, plan)
        await done(it.talk, plan, "MAAS did not take the request in 3 tries")
        assert effects(it.world, system_id) == {}


@EACH
async def test_the_last_answer_is_lost(tmp_path: Path, kind: str) -> None:
    """Two requests are lost, and of the third, which is the last one, the answer: it was taken all the same."""
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset-before", count=2, **order.call)
        it.world.region.faults.set("reset", count=1, **order.call)
        await agree(it.talk, plan)
        await done(it.talk, plan, order.past, "1 of 1 done")
        assert effects(it.world, system_id) == {order.effect: 1}
        assert not it.world.region.faults.is_active("reset")


@pytest.mark.parametrize("kind", LOOKING)
async def test_locked_between_the_yes_and_the_order(tmp_path: Path, kind: str) -> None:
    """The plan was made anew and fitted; the machine is looked at once more before each try."""
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset-before", count=1, **order.call)
        await agree(it.talk, plan)
        await until(lambda: not it.world.region.faults.is_active("reset-before"), what="the first try")
        it.world.region.world.machines[system_id].locked = True
        await done(it.talk, plan, "is not as it was planned: it is locked now")
        assert effects(it.world, system_id) == {}


@pytest.mark.parametrize("kind", LOOKING)
async def test_taken_by_another_between_the_yes_and_the_order(tmp_path: Path, kind: str) -> None:
    """Of switching on nobody is the loser; it does not look."""
    async with running(tmp_path) as it:
        order = ORDERS[kind]
        plan, system_id = await planned(it, order)
        it.world.region.faults.set("reset-before", count=1, **order.call)
        await agree(it.talk, plan)
        await until(lambda: not it.world.region.faults.is_active("reset-before"), what="the first try")
        it.world.region.world.machines[system_id].owner = "juju"
        await done(it.talk, plan, "is not as it was planned: owner", "→ juju")
        assert effects(it.world, system_id) == {}
