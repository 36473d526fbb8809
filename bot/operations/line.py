"""Who holds what an operation is to work on, and the line of those that wait for it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from bot.operations.kinds import Kind
from bot.operations.plan import LeftOut, Plan, Target
from bot.operations.records import Operation
from bot.operations.store import OperationStore
from bot.operations.verdict import remaining

_MAY_QUEUE = "Add --queue to wait for its end"


class Line:
    """Looks who is at work on the targets of plans. Locks are taken when an operation begins, not here."""

    def __init__(self, store: OperationStore, kinds: Mapping[str, Kind]) -> None:
        self._store = store
        self._kinds = kinds

    async def holder(self, region: str, key: str) -> Operation | None:
        """The operation that is at work on this machine, if any."""
        return (await self._store.holders(region, {key})).get(key)

    async def without_held(self, plan: Plan) -> Plan:
        """The plan without the targets that another operation is at work on; they are left out with its name."""
        held = await self._store.holders(plan.region, plan.lock_keys)
        if not held:
            return plan
        if plan.in_steps:
            holder = next(iter(held.values()))
            return replace(plan, targets=(), left_out=(LeftOut(plan.subject, f"{held_by(holder)}. {_MAY_QUEUE}"),))
        free = tuple(target for target in plan.targets if target.key not in held)
        taken = [
            LeftOut(target.name, f"{held_by(held[target.key])}. {_MAY_QUEUE}")
            for target in plan.targets
            if target.key in held
        ]
        return replace(plan, targets=free, left_out=(*plan.left_out, *taken))

    async def with_holders(self, plan: Plan) -> Plan:
        """The plan with the reasons of those left out replaced where an operation of ours is what stands in the way."""
        held = await self._store.holders(plan.region, set(plan.options.get("ids", ())))
        reasons = {
            target.name: f"{held_by(holder)}. {_MAY_QUEUE}"
            for key, holder in held.items()
            for target in holder.plan.targets
            if target.key == key
        }
        told = tuple(replace(one, reason=reasons.get(one.name, one.reason)) for one in plan.left_out)
        return replace(plan, left_out=told)

    async def behind(self, plan: Plan) -> tuple[Plan, str | None]:
        """A plan for machines that another operation works on: it waits for that one, and is made anew at its turn.

        What needs an approval is asked for then: an approval binds to a plan, and this one is of a world that is
        about to change. Returns the plan as it is, and None, when nothing is held.
        """
        wanted = plan.lock_keys if plan.in_steps else plan.options.get("ids", ())
        held = await self._store.holders(plan.region, wanted)
        if not held:
            return plan, None
        last = max(held.values(), key=lambda holder: holder.confirmed_at or 0.0)
        if plan.in_steps:
            return plan, last.id
        known = {target.key for target in plan.targets}
        names = {target.key: target.name for holder in held.values() for target in holder.plan.targets}
        waiting = tuple(
            Target(key, names.get(key, key), f"after {holder.id}") for key, holder in held.items() if key not in known
        )
        taken = {target.name for target in waiting}
        left_out = tuple(one for one in plan.left_out if one.name not in taken)
        count = len(plan.targets) + len(waiting)
        title = (
            plan.title
            if not waiting
            else f"{self._kinds[plan.kind].verb} " + (waiting[0].name if count == 1 else f"{count} machines")
        )
        return replace(plan, title=title, targets=(*plan.targets, *waiting), left_out=left_out), last.id


def held_by(operation: Operation) -> str:
    """Who holds a machine, what it does there, since when."""
    since = f" for {remaining(time.time() - operation.started_at)}" if operation.started_at else ""
    return f"{operation.id} ({operation.plan.title}, asked by {operation.requester_name}) is at work on it{since}"
