"""Looking after a host: `upgrade`, `host restart`, `backup`, `restore`, `admin create`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.host.facts import Config, QueryName
from bot.host.vocabulary import BackupArguments, NoArguments, Snap, SnapArguments, StepName
from bot.maas.service import RegionService
from bot.operations.host_install import AdminStep
from bot.operations.host_plans import Looked, look_at, plan_of
from bot.operations.host_region import ReadyStep, ServicesStep
from bot.operations.host_reset import BackupStep
from bot.operations.host_steps import HostKind, JobStep, OnceStep, host_of
from bot.operations.plan import LeftOut, Plan
from bot.operations.steps import OperationStep
from bot.policy import Risk

_AWAY = "MAAS does not answer meanwhile: machines can't boot over the network, and their power can't be switched."


class Upgrading(HostKind):
    """The kind `upgrade`. Options: channel, backup."""

    name = "upgrade"
    verb, participle, past = "Upgrade", "Upgrading", "Upgraded"
    patience = 1800.0

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """A backup first: a database that was migrated can't go back."""
        channel = str(options["channel"])
        refresh = SnapArguments(snap=Snap.MAAS, channel=channel)
        return [
            *([BackupStep()] if options["backup"] else []),
            JobStep("refresh", "Snap maas", StepName.SNAP_REFRESH, refresh, f"refresh it to {channel}"),
            OnceStep("migrate", "Database migrations", StepName.MAAS_MIGRATE, NoArguments(), "run them"),
            ReadyStep(),
            ServicesStep(),
        ]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Whether the channel is one that the region may go to."""
        host = host_of(region)
        config = await host.helper.query(QueryName.CONFIG, Config)
        steps = self.steps(options)
        looked = [*await look_at(host, steps[:-2]), *(Looked(one) for one in steps[-2:])]
        refresh = next(one for one in looked if one.step.key == "refresh")
        left_out = []
        if not refresh.open:
            left_out.append(LeftOut(host.name, f"MAAS {config.version} is on {options['channel']} already"))
        lost = ["the way back: a database that was migrated is of no use to the older version"]
        return plan_of(
            self,
            region,
            looked if refresh.open else [],
            options,
            title=f"Upgrade MAAS {config.version} on {host.name} to {options['channel']}",
            risk=Risk.DESTRUCTIVE,
            losses=lost,
            warnings=[_AWAY] if options["backup"] else [_AWAY, "No backup is made first."],
            away=True,
            left_out=left_out,
        )


class Restarting(HostKind):
    """The kind `host-restart`: MAAS's services, not the machine that they run on. No options."""

    name = "host-restart"
    verb, participle, past = "Restart MAAS on", "Restarting MAAS on", "Restarted MAAS on"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Restart, then wait for it."""
        del options
        restart = OnceStep("restart", "MAAS's services", StepName.MAAS_RESTART, NoArguments(), "restart them")
        return [restart, ReadyStep(), ServicesStep()]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """What is broken off by it."""
        host = host_of(region)
        restart, *after = self.steps(options)
        steps = [*await look_at(host, [restart]), *(Looked(one) for one in after)]
        plan = plan_of(
            self,
            region,
            steps,
            options,
            title=f"Restart MAAS on {host.name}",
            risk=Risk.DESTRUCTIVE,
            losses=("what is on its way: commands to BMCs, the running import of images (it begins anew)",),
            warnings=[_AWAY],
            away=True,
        )
        # The recovery of a stalled import holds the images, and waits for just this restart.
        return replace(plan, locks=tuple(one for one in plan.locks if one != "images"))


class BackingUp(HostKind):
    """The kind `backup`. No options."""

    name = "backup"
    verb, participle, past = "Back up", "Backing up", "Backed up"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """The one."""
        del options
        return [BackupStep()]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Whether there is something to back up."""
        host = host_of(region)
        looked = await look_at(host, self.steps(options))
        return plan_of(
            self,
            region,
            looked,
            options,
            title=f"Back up the region on {host.name}",
            risk=Risk.CHANGE,
            happens=("The database and the region's files are written to a folder on the host, then read back.",),
        )


class Restoring(HostKind):
    """The kind `restore`. Options: backup (which), first (a backup of today before it)."""

    name = "restore"
    verb, participle, past = "Restore", "Restoring", "Restored"
    patience = 1800.0

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """Today's state is backed up first, so that it can be had back."""
        which = BackupArguments(backup=str(options["backup"]))
        return [
            *([BackupStep("-before")] if options["first"] else []),
            OnceStep("restore", f"Backup {options['backup']}", StepName.RESTORE, which, "load it"),
            ReadyStep(),
            ServicesStep(),
        ]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Whether the backup is there and whole."""
        host = host_of(region)
        steps = self.steps(options)
        looked = [*await look_at(host, steps[:-2]), *(Looked(one) for one in steps[-2:])]
        return plan_of(
            self,
            region,
            looked,
            options,
            title=f"Restore the backup {options['backup']} on {host.name}",
            risk=Risk.DESTRUCTIVE,
            losses=("everything that the region has learned since that backup",),
            away=True,
            warnings=[
                _AWAY,
                "Machines that were deployed, released or added since then are not as the restored region remembers.",
                *([] if options["first"] else ["Today's state is not backed up first."]),
            ],
        )


class CreatingAdmin(HostKind):
    """The kind `admin-create`. Options: username."""

    name = "admin-create"
    verb, participle, past = "Make an administrator on", "Making an administrator on", "Made an administrator on"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """The one."""
        return [AdminStep(str(options["username"]))]

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Whether there is such a user."""
        host = host_of(region)
        looked = await look_at(host, self.steps(options))
        there = not looked[0].open
        return plan_of(
            self,
            region,
            [] if there else looked,
            options,
            title=f"Make {options['username']} an administrator of MAAS on {host.name}",
            # Whoever has its password can do everything in MAAS, past the bot's policy.
            risk=Risk.DESTRUCTIVE,
            happens=(
                "I make a password and show it once, to you alone: /maas admin password with the operation's id.",
            ),
            left_out=[LeftOut(str(options["username"]), "there is such an administrator already")] if there else [],
        )
