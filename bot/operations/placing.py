"""Where a machine belongs and what it is called: name, notes, tags, pool, zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.models import Machine
from bot.maas.service import RegionService
from bot.operations import machine_facts as facts
from bot.operations.changing import Changing, locked


class Renaming(Changing):
    """The kind `rename`. Its options are `ids` (one) and `hostname`."""

    name = "rename"
    verb, participle, past = "Rename", "Renaming", "Renamed"

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Rename {facts.subject(machines)} to {options['hostname']}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (f"MAAS calls it {options['hostname']} from then on, in its pages and in its DNS.",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if machine.hostname == options["hostname"]:
            return "it is called so already"
        return locked(machine)

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del machine
        return {"new name": str(options["hostname"])}

    def is_so(self, machine: Machine) -> bool:
        return bool(machine.hostname == self.options["hostname"])

    def label(self, machine: Machine) -> str:
        return f"now {machine.hostname}"

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the machine renamed."""
        await region.api.update(key, hostname=str(options["hostname"]))

    async def warnings(
        self, region: RegionService, machines: Sequence[Machine], options: Mapping[str, Any]
    ) -> Sequence[str]:
        """A deployed system keeps its own idea of its name; a name like an id makes commands ask back."""
        told = []
        running = [machine for machine in machines if facts.runs_system(machine)]
        if running:
            told.append(
                f"{facts.named(running)}: the system that runs on it keeps calling itself by the old name; MAAS's DNS "
                "answers to the new one only."
            )
        other = region.fleet.get(str(options["hostname"]))
        if other is not None:
            told.append(f"{options['hostname']} is the system id of {other.name}: write id:… to tell them apart.")
        return told


class Noting(Changing):
    """The kind `notes`. Its options are `ids` and `text`."""

    name = "notes"
    verb, participle, past = "Change the notes of", "Changing the notes of", "Changed the notes of"

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        what = "Write notes for" if options["text"] else "Take away the notes of"
        return f"{what} {facts.subject(machines)}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        if not options["text"]:
            return ("Its notes are empty then.",)
        return (f"Its notes are then: {options['text']}",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if machine.description == options["text"]:
            return "its notes say so already" if options["text"] else "it has no notes"
        return locked(machine)

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"notes now": machine.description or "none"}

    def is_so(self, machine: Machine) -> bool:
        return bool(machine.description == self.options["text"])

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the notes of one machine written."""
        await region.api.update(key, description=str(options["text"]))


class Tagging(Changing):
    """The kind `tag`. Its options are `ids` and `tag`."""

    name = "tag"
    verb, participle, past = "Tag", "Tagging", "Tagged"
    on = True

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Tag {facts.subject(machines)} {options['tag']}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (f"MAAS gives it the tag {options['tag']}.",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        return f"it has the tag {options['tag']} already" if options["tag"] in machine.tags else None

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {"tags": ", ".join(sorted(machine.tags)) or "none"}

    def is_so(self, machine: Machine) -> bool:
        return (self.options["tag"] in machine.tags) is self.on

    def label(self, machine: Machine) -> str:
        return f"tags: {', '.join(sorted(machine.tags)) or 'none'}"

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have the tag put on one machine, or taken off."""
        await region.api.tag(str(options["tag"]), key, on=self.on)

    async def warnings(
        self, region: RegionService, machines: Sequence[Machine], options: Mapping[str, Any]
    ) -> Sequence[str]:
        """A tag that is not there yet, and one that MAAS gives by itself."""
        del machines
        tag = next((one for one in await region.api.tags() if one.name == options["tag"]), None)
        if tag is None:
            return [f"There is no tag {options['tag']} yet: it is made. Withdraw if that is a misspelling."]
        if tag.definition:
            return [f"MAAS gives {tag.name} by a rule of its own, and may undo this when it applies the rule again."]
        return []


class Untagging(Tagging):
    """The kind `untag`. Its options are `ids` and `tag`."""

    name = "untag"
    verb, participle, past = "Untag", "Untagging", "Untagged"
    on = False

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Take the tag {options['tag']} off {facts.subject(machines)}"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (f"MAAS takes the tag {options['tag']} off it; the tag itself stays.",)

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        return None if options["tag"] in machine.tags else f"it does not have the tag {options['tag']}"


class _Moving(Changing):
    """To another pool or zone. The kind's name is MAAS's name of the field."""

    participle, past = "Moving", "Moved"

    def title(self, machines: Sequence[Machine], options: Mapping[str, Any]) -> str:
        return f"Move {facts.subject(machines)} to {self.name} {options['to']}"

    def reason_against(self, machine: Machine, options: Mapping[str, Any]) -> str | None:
        if getattr(machine, self.name) == options["to"]:
            return f"it is in {self.name} {options['to']} already"
        return locked(machine)

    def facts(self, machine: Machine, options: Mapping[str, Any]) -> Mapping[str, str]:
        del options
        return {self.name: getattr(machine, self.name) or "none"}

    def is_so(self, machine: Machine) -> bool:
        return bool(getattr(machine, self.name) == self.options["to"])

    def label(self, machine: Machine) -> str:
        return f"in {self.name} {getattr(machine, self.name)}"

    async def ask(self, region: RegionService, key: str, options: Mapping[str, Any]) -> None:
        """Have one machine moved."""
        await region.api.update(key, **{self.name: str(options["to"])})


class Pooling(_Moving):
    """The kind `pool`. Its options are `ids` and `to`."""

    name = "pool"
    verb = "Move to another pool"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (f"MAAS puts it into pool {options['to']}: whoever may use that pool may use it then.",)


class Zoning(_Moving):
    """The kind `zone`. Its options are `ids` and `to`."""

    name = "zone"
    verb = "Move to another zone"

    def steps(self, options: Mapping[str, Any]) -> Sequence[str]:
        return (f"MAAS has it in zone {options['to']} then. That is a note of where it stands; nothing else changes.",)
