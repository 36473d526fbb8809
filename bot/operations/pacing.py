"""How a bulk goes about its machines: so many at once, a few of them first, and no further ones after some failures.

All of it is kept in the plan's options, and what follows from it is read from the operation's rows alone: whoever goes
on with an operation after a crash comes to the same end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.operations.machine_facts import READ_ANEW
from bot.operations.plan import Plan
from bot.operations.records import TargetState

#: How one target stands: its place in the plan, counted from 0, its name and its state.
Standing = tuple[int, str, TargetState]


@dataclass(frozen=True, slots=True)
class Pacing:
    """`at_once` machines at a time; 0: as many as the kind has it. The first `canary` go alone; 0: none do.

    After `stop_after` failures no further machine is begun; 0: all are, whatever comes.
    """

    at_once: int = 0
    canary: int = 0
    stop_after: int = 0

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Pacing:
        """As the options of an operation have it."""
        return cls(*(int(options.get(name) or 0) for name in ("at_once", "canary", "stop_after")))

    @property
    def options(self) -> dict[str, int]:
        """As the options of an operation keep it; what was not asked for is left out."""
        asked = {"at_once": self.at_once, "canary": self.canary, "stop_after": self.stop_after}
        return {name: value for name, value in asked.items() if value}

    @property
    def may_halt(self) -> bool:
        """Whether machines may stay untouched because of what others came to."""
        return bool(self.canary or self.stop_after)

    def first_are_over(self, standings: Sequence[Standing]) -> bool:
        """Whether those that go first have ended, well or not."""
        return all(state.ended for seq, _, state in standings if seq < self.canary)

    def halted(self, seq: int, standings: Sequence[Standing]) -> str:
        """Why the target at this place must not begin any more, in a sentence; "" when it may."""
        bad = [name for at, name, state in standings if at < self.canary and state.ended and state is not _GOOD]
        if bad and seq >= self.canary:
            return f"Not begun: {_listing(bad)} went first and did not end well."
        failed = [name for _, name, state in standings if state is TargetState.FAILED]
        if self.stop_after and len(failed) >= self.stop_after:
            return f"Not begun: {len(failed)} failed ({_listing(failed)}), and it was to stop after {self.stop_after}."
        return ""


_GOOD = TargetState.DONE


def told(plan: Plan) -> Plan:
    """The plan with what its size and its pacing mean, said among its steps."""
    pacing, count = Pacing.of(plan.options), len(plan.targets)
    steps = []
    if count > READ_ANEW and not plan.in_steps:
        steps.append("So many are shown as MAAS's event log has them; MAAS refuses those that do not fit when asked.")
    if 0 < pacing.canary < count:
        names = _listing([target.name for target in plan.targets[: pacing.canary]])
        it = "it ends" if pacing.canary == 1 else "all of them end"
        left = count - pacing.canary
        others = "the other one begins" if left == 1 else f"the other {left} begin"
        steps.append(f"{names} first; {others} only if {it} well.")
    if pacing.at_once and count > 1:
        steps.append(f"At most {pacing.at_once} at a time.")
    if pacing.stop_after and count > 1:
        failures = "the first failure" if pacing.stop_after == 1 else f"{pacing.stop_after} failures"
        steps.append(f"After {failures} no further machine is begun; those under way go on to their end.")
    return replace(plan, steps=(*plan.steps, *steps)) if steps else plan


def _listing(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
