"""The public keys of the bot's MAAS user: they get onto every machine that it deploys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.maas.errors import BadRequest, NotFound
from bot.maas.models_network import SshKey
from bot.maas.public_keys import fingerprint_of, kind_and_fingerprint, short_key
from bot.maas.service import RegionService
from bot.operations import machine_facts
from bot.operations.plan import Plan
from bot.operations.step_plans import PlannedStep, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepFailedError, StepKind

LOCKS = ("sshkeys",)
_SOURCES = {"lp": "Launchpad", "gh": "GitHub"}
_NOWHERE = ("max retries exceeded", "name resolution", "connection", "timed out")


class AddKey(OperationStep):
    """A public key that MAAS has afterwards."""

    def __init__(self, line: str, key: str = "key") -> None:
        self.line = line
        self.key = key
        self.title = f"SSH key {short_key(line)}"

    async def check(self, context: StepContext) -> str | None:
        """A key of that fingerprint is there, whatever its comment."""
        wanted = fingerprint_of(self.line)
        there = [one.key for one in await context.region.api.ssh_keys()]
        return kind_and_fingerprint(self.line) if any(fingerprint_of(one) == wanted for one in there) else None

    async def apply(self, context: StepContext) -> None:
        """Add it."""
        try:
            await context.region.api.add_ssh_key(self.line)
        except BadRequest as error:
            if await self.check(context) is not None:
                return  # the answer to an earlier request was lost
            raise StepFailedError(f"MAAS does not take this key: {error.problem}", "No key was added.") from None


class ImportKeys(OperationStep):
    """The keys that somebody has on Launchpad or GitHub."""

    def __init__(self, source: str, key: str = "import") -> None:
        self.source = source
        self.key = key
        self.title = f"Keys of {told_source(source)}"

    async def check(self, context: StepContext) -> str | None:
        """Some key of that source is there."""
        mine = [one for one in await context.region.api.ssh_keys() if comes_from(one, self.source)]
        return f"{len(mine)} imported" if mine else None

    async def apply(self, context: StepContext) -> None:
        """Let MAAS fetch them."""
        try:
            await context.region.api.import_ssh_keys(self.source)
        except BadRequest as error:
            if any(word in error.problem.lower() for word in _NOWHERE):
                site = "launchpad.net" if self.source.startswith("lp:") else "github.com"
                raise StepFailedError(
                    f"The region has no way to {site}, so that it can't fetch the keys of {told_source(self.source)}.",
                    "Look at its DNS and its HTTP proxy, or paste the key: /maas sshkeys add KEY.",
                ) from None
            raise StepFailedError(
                f"MAAS can't import the keys of {told_source(self.source)}: {error.problem}", "No key was added."
            ) from None

    async def verify(self, context: StepContext) -> str:
        """Look again. MAAS refuses where somebody has no keys, so an import that brought none found them there."""
        return await self.check(context) or "nothing new: the keys were there already"


class RemoveKey(OperationStep):
    """A public key that MAAS does not have afterwards."""

    key, title = "key", "SSH key"

    def __init__(self, key_id: int) -> None:
        self._id = key_id

    async def check(self, context: StepContext) -> str | None:
        """It is not there."""
        return None if any(one.id == self._id for one in await context.region.api.ssh_keys()) else "removed"

    async def apply(self, context: StepContext) -> None:
        """Remove it."""
        try:
            await context.region.api.delete_ssh_key(self._id)
        except NotFound:
            return


class KeyAdding(StepKind):
    """The kind `sshkeys-add`. Its option is `key`, the public key in one line."""

    name = "sshkeys-add"
    verb, participle, past = "Add", "Adding", "Added"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (AddKey(options["key"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it is there."""
        user = await machine_facts.own_user(region)
        subject, told = f"SSH key {short_key(options['key'])}", kind_and_fingerprint(options["key"])
        there = {fingerprint_of(one.key) for one in await region.api.ssh_keys()}
        if fingerprint_of(options["key"]) in there:
            return plan_nothing(self, region.name, options, subject, "MAAS has it already", LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], "not there", f"{told}, for {_whose(user)}")],
            title=f"Add {subject}",
            subject=subject,
            locks=LOCKS,
            happens=(
                f"Whoever holds its private half can log in on machines that {_whose(user)} deploys from now on.",
            ),
        )


class KeyImporting(StepKind):
    """The kind `sshkeys-import`. Its option is `source`, lp:NAME or gh:NAME."""

    name = "sshkeys-import"
    verb, participle, past = "Import", "Importing", "Imported"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (ImportKeys(options["source"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether keys of that source are there."""
        user = await machine_facts.own_user(region)
        source = told_source(options["source"])
        subject = f"SSH keys of {source}"
        mine = [one for one in await region.api.ssh_keys() if comes_from(one, options["source"])]
        if mine:
            reason = f"{len(mine)} of them are there already; remove them first to import them anew"
            return plan_nothing(self, region.name, options, subject, reason, LOCKS)
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], "not there", "imported")],
            title=f"Import {subject}",
            subject=subject,
            locks=LOCKS,
            happens=(f"Whoever {source} is can log in on machines that {_whose(user)} deploys.",),
        )


class KeyRemoving(StepKind):
    """The kind `sshkeys-remove`. Its options are `id` and `told`."""

    name = "sshkeys-remove"
    verb, participle, past = "Remove", "Removing", "Removed"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (RemoveKey(options["id"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look whether it is there, and whether it is the last one."""
        subject = f"SSH key {options['told']}"
        keys = await region.api.ssh_keys()
        if not any(one.id == options["id"] for one in keys):
            return plan_nothing(self, region.name, options, subject, "it is no longer in MAAS", LOCKS)
        last = len(keys) == 1
        return plan_steps(
            self,
            region.name,
            options,
            [PlannedStep(self.steps(options)[0], "in MAAS", "removed")],
            title=f"Remove {subject}",
            subject=subject,
            locks=LOCKS,
            happens=("Machines deployed from now on do not get it; those that run keep it.",),
            warnings=("It is the last one: nobody could log in on machines deployed without a key.",) if last else (),
        )


def comes_from(key: SshKey, source: str) -> bool:
    """Whether a key was imported from there; older MAAS names the site alone."""
    return key.keysource in {source, source.partition(":")[0]}


def told_source(source: str) -> str:
    """`olga on Launchpad`."""
    protocol, _, name = source.partition(":")
    return f"{name} on {_SOURCES.get(protocol, protocol)}"


def _whose(user: str) -> str:
    return user or "my MAAS user"
