"""Who may touch a machine: lock and unlock, take it for the bot's own user, mark it broken and fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.maas.errors import MaasError
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.changing import Changing, locked
from bot.operations.kinds import End
from bot.operations.plan import Plan, Target
from bot.policy import Risk

# maasserver/models/node.py, lock: anything else is answered 409.
_LOCKABLE = frozenset({MachineStatus.DEPLOYED, MachineStatus.DEPLOYING})


class Locking(Changing):
    """The kind `lock`. Its options are `ids` and `comment`."""

    name = "lock"
    verb, participle, past = "Lock", "Locking", "Locked"

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        del options
        return f"Lock {facts.subject(machines)}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        del options
        return ("MAAS refuses to release, delete, change or switch it off until it is unlocked.",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        del options
        if machine.locked:
            return "it is locked already"
        if machine.status not in _LOCKABLE:
            return f"it is {machine.status_name}; MAAS locks only machines that are Deployed or Deploying"
        return None

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"owner": machine.owner or "nobody", "deployed": facts.system_of(machine)}

    def is_so(self, machine: Machine) -> bool:
        return machine.locked

    def label(self, machine: Machine) -> str:
        return f"{machine.status_name}, {'locked' if machine.locked else 'unlocked'}"

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine locked."""
        await region.api.lock(key, comment=str(options.get("comment") or ""))


class Unlocking(Locking):
    """The kind `unlock`. Its options are `ids` and `comment`."""

    name = "unlock"
    verb, participle, past = "Unlock", "Unlocking", "Unlocked"

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        del options
        return f"Unlock {facts.subject(machines)}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        del options
        return ("It can be released, deleted, changed and switched off again.",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        del options
        return None if machine.locked else "it is not locked"

    def is_so(self, machine: Machine) -> bool:
        return not machine.locked

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine unlocked."""
        await region.api.unlock(key, comment=str(options.get("comment") or ""))

    async def warnings(
        self, region: RegionService, machines: Sequence[Machine], options: Mapping[str, Any]
    ) -> Sequence[str]:
        """Whose it is, if it is not the bot's: somebody locked it for a reason."""
        del options
        others = facts.owned_by_others(machines, await facts.own_user(region))
        return [others] if others else []


class Allocating(Changing):
    """The kind `allocate`. Its options are `ids` and `comment`; the plan adds `user`, the key's own."""

    name = "allocate"
    verb, participle, past = "Allocate", "Allocating", "Allocated"

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """As any; it names the user who gets the machines."""
        user = (await region.api.whoami()).username
        return await super().plan(region, {**options, "user": user})

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Allocate {facts.subject(machines)} to {options['user']}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (
            f"MAAS gives it to {options['user']}, the user of the bot's API key: it can give a machine to no other.",
            "Nobody else can take it until it is released. It stays as it is, switched off.",
        )

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if machine.status is MachineStatus.READY and not machine.owner:
            return locked(machine)
        if machine.status is MachineStatus.ALLOCATED and machine.owner == options["user"]:
            return "it is allocated so already"
        owner = f", {machine.owner}'s" if machine.owner else ""
        return f"it is {machine.status_name}{owner}; MAAS allocates only Ready machines that nobody owns"

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"owner": machine.owner or "nobody", "pool": machine.pool or "none", "zone": machine.zone or "none"}

    def is_so(self, machine: Machine) -> bool:
        return machine.owner == self.options["user"] and machine.status is not MachineStatus.READY

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine allocated."""
        await region.api.allocate(key, comment=str(options.get("comment") or ""))


class MarkingBroken(Changing):
    """The kind `broken`. Its options are `ids` and `comment`; the plan adds `user`, the key's own.

    A region answers an empty 403 unless the key's user owns the machine, administrator or not. So a machine that
    nobody owns is allocated first, and one that somebody else owns is left out.
    """

    name = "broken"
    verb, participle, past = "Mark broken", "Marking broken", "Marked broken"
    looks_first = True

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """As any; a deployed machine loses its system's record, and counts as such."""
        user = (await region.api.whoami()).username
        plan = await super().plan(region, {**options, "user": user})
        deployed = [target for target in plan.targets if target.facts.get("deployed", "none") != "none"]
        losses = [
            f"{one.name}: marking it broken releases it; {one.facts['deployed']} leaves MAAS's records, and with its "
            "network set-up the addresses that it uses are free for others"
            for one in deployed[:10]
        ]
        if len(deployed) > 10:
            losses.append(f"and the records of the systems of {len(deployed) - 10} more machines")
        return replace(plan, risk=Risk.DESTRUCTIVE if deployed else Risk.CHANGE, losses=tuple(losses))

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        del options
        return f"Mark {facts.subject(machines)} broken"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        said = f" Comment in MAAS's log: {options['comment']}" if options.get("comment") else ""
        return (
            f"MAAS lets only its owner mark a machine broken: one that nobody owns is allocated to {options['user']} "
            "first, for that moment.",
            f"It is Broken and nobody's then: nobody can take it until it is marked fixed.{said}",
        )

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if machine.status is MachineStatus.BROKEN:
            return "it is marked broken already"
        if machine.locked:
            return locked(machine)
        if machine.owner == options["user"]:
            return None
        if machine.owner:
            return f"it is {machine.owner}'s, and MAAS lets only its owner mark a machine broken"
        if machine.status is not MachineStatus.READY:
            return (
                f"it is {machine.status_name} and nobody's; MAAS lets only an owner mark a machine broken, and gives "
                "only Ready machines to one"
            )
        return None

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"owner": machine.owner or "nobody", "deployed": facts.system_of(machine)}

    def is_so(self, machine: Machine) -> bool:
        return machine.status is MachineStatus.BROKEN

    def changed_since(self, machine: Machine | None, target: Target) -> str:
        """Another owner or system is another machine; that it was allocated by an earlier try is not."""
        if machine is None or machine.locked:
            return facts.changed_since(machine, target)
        ours = machine.status is MachineStatus.ALLOCATED and machine.owner == self.options["user"]
        return "" if ours and target.state == "Ready" else facts.changed_since(machine, target)

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine marked broken; allocated first if nobody owns it, and given back if that was in vain."""
        comment = str(options.get("comment") or "")
        machine = await region.api.machine(key)
        allocated = not machine.owner and machine.status is MachineStatus.READY
        if allocated:
            await region.api.allocate(key, comment="to mark it broken")
        try:
            await region.api.mark_broken(key, comment=comment)
        except MaasError as error:
            if allocated and not error.outcome_unknown:
                await _give_back(region, key, error)
            raise


async def _give_back(region: RegionService, key: str, error: MaasError) -> None:
    """Release what was allocated for a moment; if that fails too, say so in the error."""
    try:
        await region.api.release(key, comment="was not marked broken")
    except MaasError:
        error.problem = f"{error.problem} It was allocated for that, and is Allocated still: release it."


class MarkingFixed(Changing):
    """The kind `fixed`. Its options are `ids` and `comment`."""

    name = "fixed"
    verb, participle, past = "Mark fixed", "Marking fixed", "Marked fixed"
    logged = True

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        del options
        return f"Mark {facts.subject(machines)} fixed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        said = f" Comment in MAAS's log: {options['comment']}" if options.get("comment") else ""
        return (f"It is Ready then, and others can take it. MAAS does not look whether it works: test does.{said}",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        del options
        if machine.status is MachineStatus.BROKEN:
            return locked(machine)
        return f"it is {machine.status_name}, not Broken; there is nothing to mark fixed"

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"pool": machine.pool or "none", "zone": machine.zone or "none"}

    def is_so(self, machine: Machine) -> bool:
        return machine.status is not MachineStatus.BROKEN

    def taken(self, machine: Machine | None, events: Sequence[Event]) -> bool:
        """It is Broken no more, or the log has it: whoever owns it next may mark it broken again."""
        return super().taken(machine, events) or any(event.type == "User marking node fixed" for event in events)

    def end(self, machine: Machine) -> End | None:
        """Whatever it is by then, it is not Broken any more."""
        return End(good=True, label=machine.status_name) if self.is_so(machine) else None

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine marked fixed."""
        await region.api.mark_fixed(key, comment=str(options.get("comment") or ""))
