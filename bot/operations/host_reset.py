"""Resetting a host: everything of MAAS goes, and what goes is read from the host as it is: `reset`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.host import errors
from bot.host.facts import Config, Inventory, Leftover, QueryName, RegionMachines
from bot.host.looks import Cause
from bot.host.service import HostService
from bot.host.vocabulary import (
    BackupArguments,
    Database,
    DatabaseDropArguments,
    PgHbaRemoveArguments,
    PurgeArguments,
    RoleArguments,
    Sent,
    Snap,
    SnapRemoveArguments,
    StepName,
)
from bot.maas.service import RegionService
from bot.operations.host_plans import Looked, look_at, plan_of
from bot.operations.host_region import ForgetKeyStep
from bot.operations.host_steps import HostKind, JobStep, asked, host_of
from bot.operations.plan import LeftOut, Plan
from bot.operations.steps import OperationStep, StepContext, StepFailedError
from bot.policy import Risk

#: Names of deployed machines that a plan shows; all of them go into its fingerprint.
_SHOWN = 8
#: What of a region is in PostgreSQL.
_PARTS = ("database", "role", "pg_hba")


class BackupStep(JobStep):
    """A backup under the operation's name, verified on the host by reading its list back."""

    has_own_words = True

    def __init__(self, suffix: str = "") -> None:
        self._suffix = suffix
        super().__init__(
            "backup",
            "Backup",
            StepName.BACKUP,
            BackupArguments(backup="op-plan"),
            "write it to the host, and read it back",
        )

    def arguments(self, operation_id: str) -> Sent:
        """The backup is named after the operation, so that a repeated step finds the one that was made."""
        return BackupArguments(backup=f"{operation_id}{self._suffix}")


class SnapStep(JobStep):
    """One snap goes, with its data."""

    def __init__(self, snap: Snap) -> None:
        arguments = SnapRemoveArguments(snap=snap)
        super().__init__(
            f"remove-{snap.value}", f"Snap {snap.value}", StepName.SNAP_REMOVE, arguments, "remove it with its data"
        )


class DropStep(JobStep):
    """What goes once MAAS has let go of it. A PostgreSQL that is down is no such thing: nobody knows what is in it."""

    waits_for = frozenset({Cause.DATABASE_IN_USE, Cause.ROLE_IN_USE})


class EmptyStep(OperationStep):
    """Nothing that the reset was to take away is left; what stays by intention is named."""

    key = "empty"
    title = "Nothing left"
    will = "look what is left"
    patience = 20.0

    def __init__(self, *, keep_database: bool) -> None:
        self._keep = keep_database

    async def check(self, context: StepContext) -> str | None:
        """What stays, and why; None while something is left that should have gone."""
        found = await asked(host_of(context.region).helper.query(QueryName.INVENTORY, Inventory))
        left = [one for one in found.things if not one.stays and not (self._keep and _of_database(one))]
        if left:
            context.note("left: " + ", ".join(f"{one.kind} {one.name}" for one in left[:10]))
            return None
        stays = [f"{one.kind} {one.name}" for one in found.things]
        return f"empty; stays: {', '.join(stays[:6])}{'…' if len(stays) > 6 else ''}" if stays else "empty"

    async def apply(self, context: StepContext) -> None:
        """Only looks."""

    async def verify(self, context: StepContext) -> str:
        """Look once more and name what is left."""
        label = await self.check(context)
        if label is None:
            found = await asked(host_of(context.region).helper.query(QueryName.INVENTORY, Inventory))
            things = [one for one in found.things if not one.stays and not (self._keep and _of_database(one))]
            left = ", ".join(f"{one.kind} {one.name}" for one in things)
            raise StepFailedError(f"Left on the host: {left}.", "Look at them on the host, or reset again.")
        return label


def _of_database(thing: Leftover) -> bool:
    """Whether it belongs to the database, and stays where that is to be kept."""
    return thing.kind in {"database", "role", "pg_hba", "package"} or "maas-test-db" in thing.name


class Resetting(HostKind):
    """The kind `reset`. Options: keep_database, backup; and, as found, database, role, purge."""

    name = "reset"
    verb, participle, past = "Reset", "Resetting", "Reset"
    patience = 1800.0

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Snaps first: they hold connections to the database. The role after what it owns."""
        steps: list[OperationStep] = [BackupStep()] if options["backup"] else []
        keep = bool(options["keep_database"])
        steps += [SnapStep(Snap.CLI), SnapStep(Snap.MAAS)]
        steps += [] if keep else [SnapStep(Snap.TEST_DB)]
        database, role = options.get("database"), options.get("role")
        if not keep:
            steps += _database_steps(database, role)
        if not keep and options.get("purge"):
            steps.append(_purge(options))
        steps += [EmptyStep(keep_database=keep), *([] if keep else [ForgetKeyStep()])]
        return steps

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Read what there is, what it weighs, and what speaks against taking all of it."""
        host = host_of(region)
        inventory = await host.helper.query(QueryName.INVENTORY, Inventory)
        config = await host.helper.query(QueryName.CONFIG, Config)
        options = _found(options, config, inventory)
        if inventory.empty:
            return _nothing(self, region, options)
        stays = _stays(inventory, options)
        if options["purge"] and (purge := await _purge_look(host, options)).stuck:
            assert purge.look is not None
            options["purge"] = False
            stays.append(LeftOut("PostgreSQL", purge.look.found))
        looked = [one for one in await look_at(host, self.steps(options)) if one.open]
        machines = await _machines(host)
        deployed = sorted(machines.deployed) if machines is not None else []
        count = machines.by_status.get(6, 0) if machines is not None else 0
        facts = {"remove-maas": {"deployed": _named(deployed, count)}} if count else {}
        warnings = []
        if count:
            shown = ", ".join(deployed[:_SHOWN]) + ("…" if count > _SHOWN else "")
            were = "1 machine was" if count == 1 else f"{count} machines were"
            warnings.append(f"{were} deployed by this region ({shown}), and will run on with nothing to manage them.")
        if machines is None and config.installed:
            warnings.append("The region's database could not be asked which machines it has deployed.")
        if not options["backup"] and not options["keep_database"]:
            warnings.append("No backup is made: what the region knows is gone for good.")
        return plan_of(
            self,
            region,
            looked,
            options,
            title=f"Reset {host.name}: remove MAAS" + (", keep its database" if options["keep_database"] else ""),
            risk=Risk.IRREVERSIBLE,
            facts=facts,
            losses=_losses(inventory, options),
            warnings=warnings,
            left_out=stays,
            typed=host.name,
            away=True,
        )


def _database_steps(database: str | None, role: str | None) -> Iterator[OperationStep]:
    if database:
        drop = DatabaseDropArguments(name=database)
        yield DropStep("drop-database", f"Database {database}", StepName.DATABASE_DROP, drop, "drop it")
    if role:
        arguments = RoleArguments(role=role)
        yield DropStep("drop-role", f"Role {role}", StepName.ROLE_DROP, arguments, "drop it")
    if database and role:
        hba = PgHbaRemoveArguments(database=database, role=role)
        yield DropStep("pg-hba", "pg_hba.conf", StepName.PG_HBA_REMOVE, hba, "take the region's lines away")


def _found(options: Mapping[str, Any], config: Config, inventory: Inventory) -> dict[str, Any]:
    """The options with what was found. What an earlier try found stays: its snap may be gone by now."""
    found = dict(options)
    if config.database is Database.PRODUCTION:
        found["database"], found["role"] = config.database_name, config.database_user
    elif config.database is None and "database" not in found:
        found["database"], found["role"] = _left_behind(inventory)
    packages = [one for one in inventory.things if one.kind == "package" and one.name.startswith("postgresql")]
    found["purge"] = bool(packages) and not inventory.other_databases and not options["keep_database"]
    # Without an initialised region there is nothing that a backup could hold.
    found["backup"] = bool(options["backup"]) and config.installed and config.mode not in {"", "none"}
    return found


def _left_behind(inventory: Inventory) -> tuple[str | None, str | None]:
    """Database and role of a region whose snap is gone: an earlier reset was stopped after it, or after either."""
    there = {kind: [one.name for one in inventory.things if one.kind == kind and not one.stays] for kind in _PARTS}
    # host DATABASE ROLE ADDRESS METHOD; "all" in it is nobody's own line
    lines = [[word.strip('"') for word in line.split()] for line in there["pg_hba"]]
    own = [line for line in lines if len(line) > 3 and "all" not in line[1:3]]
    databases = there["database"] or [line[1] for line in own]
    roles = there["role"] or [line[2] for line in own]
    return databases[0] if databases else None, roles[0] if roles else None


def _purge(options: Mapping[str, Any]) -> JobStep:
    database = options.get("database")
    arguments = PurgeArguments(databases=(str(database),) if database else ())
    will = "remove it with its configuration"
    return DropStep("purge", "PostgreSQL", StepName.POSTGRESQL_PURGE, arguments, will)


async def _purge_look(host: HostService, options: Mapping[str, Any]) -> Looked:
    step = _purge(options)
    return Looked(step, await step.look(host, "op-plan"))


async def _machines(host: HostService) -> RegionMachines | None:
    try:
        return await host.helper.query(QueryName.MACHINES, RegionMachines)
    except (errors.NotThere, errors.ProgramFailed):
        return None


def _named(deployed: list[str], count: int) -> str:
    """The machines, so that the plan rests on which they are; of many, how many and a digest of their names."""
    if count <= _SHOWN:
        return ", ".join(deployed)
    digest = hashlib.sha256("\n".join(deployed).encode()).hexdigest()[:8]
    return f"{count} machines, list {digest}"


def _losses(inventory: Inventory, options: Mapping[str, Any]) -> list[str]:
    keep = options["keep_database"]
    things = [one for one in inventory.things if not one.stays and not (keep and _of_database(one))]
    lines = [] if keep else ["everything that the region knows: its machines, networks, images, users and keys"]
    lines += [f"{one.kind} {one.name}{_size(one.size)}" for one in things]
    return [*lines[:15], *([f"and {len(lines) - 15} more"] if len(lines) > 15 else [])]


def _stays(inventory: Inventory, options: Mapping[str, Any]) -> list[LeftOut]:
    stays = [LeftOut(f"{one.kind} {one.name}", one.stays) for one in inventory.things if one.stays]
    if options["keep_database"]:
        stays += [
            LeftOut(f"{one.kind} {one.name}", "you asked to keep the database")
            for one in inventory.things
            if not one.stays and _of_database(one)
        ]
    elif inventory.other_databases:
        others = ", ".join(inventory.other_databases)
        stays.append(LeftOut("PostgreSQL", f"other databases are on this host: {others}"))
    return stays


def _size(size: int | None) -> str:
    return f" ({size / 1e6:.0f} MB)" if size else ""


def _nothing(kind: HostKind, region: RegionService, options: Mapping[str, Any]) -> Plan:
    host = host_of(region)
    left: list[Looked] = []
    reason = "nothing of MAAS is on it that a reset would take away"
    title = f"Reset {host.name}"
    return plan_of(
        kind, region, left, options, title=title, risk=Risk.IRREVERSIBLE, left_out=(LeftOut(host.name, reason),)
    )
