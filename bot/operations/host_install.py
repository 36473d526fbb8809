"""Installing a region on its host: `install`, with either database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.host.client import Secrets
from bot.host.facts import QueryName
from bot.host.jobs import Order
from bot.host.looks import LookState
from bot.host.service import HostService
from bot.host.system_facts import HostFacts
from bot.host.vocabulary import (
    AdminArguments,
    Database,
    DatabaseArguments,
    InitArguments,
    NoArguments,
    PgHbaArguments,
    PreflightArguments,
    Reach,
    RoleArguments,
    SecretName,
    Snap,
    SnapArguments,
    StepName,
)
from bot.maas.service import RegionService
from bot.operations.host_plans import look_at, plan_of
from bot.operations.host_region import KeyStep, ReadyStep, ServicesStep
from bot.operations.host_steps import HostKind, JobStep, asked, host_of, sentence, watcher
from bot.operations.plan import Plan
from bot.operations.steps import OperationStep, StepContext, StepFailedError
from bot.policy import Risk

#: The names that the old notes use, and that MAAS's own documentation does.
ROLE, DATABASE = "maas", "maasdb"
_PASSWORD_TRIES = 20
_WIDE = (
    "pg_hba.conf gets a line that lets the region's role log in from every address (0.0.0.0/0): as soon as PostgreSQL "
    "listens on the network, its password is all that protects the database."
)


class RoleStep(JobStep):
    """The region's role, with a password that the bot makes and holds until `maas init` has had it."""

    def secrets(self, context: StepContext) -> Secrets:
        """The password: that which is held, or a new one."""
        return {SecretName.DATABASE_PASSWORD: host_of(context.region).vault.get_or_make(_password_key(context))}


class InitStep(JobStep):
    """`maas init`. A password that was lost with a bot that died is made anew, and set, before it is used."""

    def __init__(self, arguments: InitArguments) -> None:
        super().__init__("init", "MAAS initialised", StepName.MAAS_INIT, arguments, "maas init region+rack")
        self._production = arguments.database is Database.PRODUCTION
        self._role = RoleArguments(role=arguments.role or ROLE)

    def secrets(self, context: StepContext) -> Secrets:
        """The role's password, for PostgreSQL of the host's own."""
        if not self._production:
            return {}
        return {SecretName.DATABASE_PASSWORD: host_of(context.region).vault.get_or_make(_password_key(context))}

    async def apply(self, context: StepContext) -> None:
        """See that the role has the password that is held, then initialise."""
        host = host_of(context.region)
        if self._production and not await asked(host.jobs.under_way(self.order(context))):
            await self._set_password(host, context)
        await super().apply(context)

    async def _set_password(self, host: HostService, context: StepContext) -> None:
        """Until a look says that the role has the password that is held: jobs of a bot that died set another one."""
        secrets = self.secrets(context)
        for attempt in range(1, _PASSWORD_TRIES + 1):
            look = await asked(host.helper.look(StepName.ROLE_CREATE, self._role, secrets))
            if look.state is LookState.DONE:
                return
            if look.state is LookState.BLOCKED:
                raise StepFailedError(sentence(look.found), look.remedy)
            context.note(f"setting the password of the role {self._role.role}")
            order = Order(
                f"{context.operation_id}-init-role{attempt}", StepName.ROLE_CREATE, self._role, lambda: secrets
            )
            if not await asked(host.jobs.ended(order)):
                await asked(host.jobs.run(order, watcher(context)), StepName.ROLE_CREATE.value)
        raise StepFailedError(
            f"The role {self._role.role} does not take its new password.", "Look at PostgreSQL's log."
        )


class AdminStep(JobStep):
    """An administrator of MAAS, with a password that the bot makes and hands over once, to the person who asked."""

    #: One that is there keeps its password, and none is to be made for it.
    looks_first = True

    def __init__(self, username: str) -> None:
        arguments = AdminArguments(username=username, email=f"{username.partition('@')[0]}@localhost")
        super().__init__("admin", f"Administrator {username}", StepName.MAAS_ADMIN, arguments, f"create {username}")

    def secrets(self, context: StepContext) -> Secrets:
        """A password, held until the person comes for it."""
        return {
            SecretName.ADMIN_PASSWORD: host_of(context.region).vault.get_or_make(
                admin_password_key(context.operation_id)
            )
        }

    async def check(self, context: StepContext) -> str | None:
        """That the administrator is there, and how to get the password."""
        label = await super().check(context)
        return None if label is None else self._told(label, context)

    async def verify(self, context: StepContext) -> str:
        """The same, of one that was just made."""
        return self._told(await super().verify(context), context)

    def _told(self, label: str, context: StepContext) -> str:
        if host_of(context.region).vault.peek(admin_password_key(context.operation_id)) is not None:
            return f"its password, once: /maas admin password {context.operation_id}"
        if context.repeated:
            return f"{label}; its password was lost with a restart of the bot: make another administrator"
        return label


class Installing(HostKind):
    """The kind `install`. Options: channel, database, url, admin, wide."""

    name = "install"
    verb, participle, past = "Install", "Installing", "Installed"
    #: A host that is restarted in the middle takes a while to come back.
    patience = 1800.0

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """All steps, in the order of facts and documentation."""
        channel, database = str(options["channel"]), Database(options["database"])
        preflight = PreflightArguments(channel=channel, database=database)
        maas = SnapArguments(snap=Snap.MAAS, channel=channel)
        url = options.get("url") or None
        admin = str(options["admin"])
        steps: list[OperationStep] = [
            JobStep("preflight", "Preflight", StepName.PREFLIGHT, preflight, "look whether the host is fit for it"),
            JobStep("snapd", "snapd", StepName.SNAPD, NoArguments(), "see that snapd answers"),
            JobStep("snap-maas", "Snap maas", StepName.SNAP_INSTALL, maas, f"install it from {channel}"),
        ]
        steps += _test(channel, url) if database is Database.TEST else _production(url, wide=bool(options.get("wide")))
        steps += [
            JobStep(
                "permissions",
                "regiond.conf",
                StepName.MAAS_PERMISSIONS,
                NoArguments(),
                "close it to others (0640)",
            ),
            ReadyStep(),
            AdminStep(admin),
            KeyStep(admin),
            ServicesStep(),
        ]
        return steps

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at each step on the host as it is."""
        host = host_of(region)
        looked = await look_at(host, self.steps(options))
        found = await host.helper.query(QueryName.FACTS, HostFacts)
        warnings = [_WIDE] if options.get("wide") else []
        if options["database"] == Database.TEST.value:
            warnings.append("maas-test-db is for trying MAAS out: it is lost with its snap. Use production for more.")
        if found.clock.synchronised is False:
            warnings.append("The host's clock is not synchronised: MAAS refuses keys when clocks differ by 300 s.")
        init, admin = (next(one for one in looked if one.step.key == key) for key in ("init", "admin"))
        if admin.open and not init.open:
            warnings.append(f"{options['admin']} would become a further administrator of a region that is at work.")
        open_steps = [one for one in looked if one.look is not None and one.open]
        what = f"MAAS {options['channel']} with the {options['database']} database"
        return plan_of(
            self,
            region,
            looked,
            options,
            title=f"Install {what} on {host.name}" if open_steps else f"Look again at {what} on {host.name}",
            # A further administrator can do everything in MAAS, past the bot's policy; the first one has to be.
            risk=Risk.DESTRUCTIVE if admin.open and not init.open else Risk.CHANGE,
            warnings=warnings,
        )


def _test(channel: str, url: str | None) -> list[OperationStep]:
    # Its tracks are those of MAAS: the same release has the PostgreSQL that goes with it.
    test_db = SnapArguments(snap=Snap.TEST_DB, channel=channel)
    return [
        JobStep("snap-test-db", "Snap maas-test-db", StepName.SNAP_INSTALL, test_db, f"install it from {channel}"),
        InitStep(InitArguments(database=Database.TEST, url=url)),
    ]


def _production(url: str | None, *, wide: bool) -> list[OperationStep]:
    reach = Reach.WIDE if wide else Reach.NARROW
    hba = PgHbaArguments(database=DATABASE, role=ROLE, reach=reach)
    where = "from everywhere" if wide else "from this host alone"
    return [
        JobStep("postgresql", "PostgreSQL", StepName.POSTGRESQL_INSTALL, NoArguments(), "install it from apt"),
        RoleStep("role", f"Role {ROLE}", StepName.ROLE_CREATE, RoleArguments(role=ROLE), "create it, with a password"),
        JobStep(
            "database",
            f"Database {DATABASE}",
            StepName.DATABASE_CREATE,
            DatabaseArguments(name=DATABASE, role=ROLE),
            f"create it for {ROLE}",
        ),
        JobStep("pg-hba", "pg_hba.conf", StepName.PG_HBA_ALLOW, hba, f"let {ROLE} in, {where}"),
        InitStep(InitArguments(database=Database.PRODUCTION, url=url, name=DATABASE, role=ROLE)),
    ]


def _password_key(context: StepContext) -> str:
    return f"{context.operation_id}:database"


def admin_password_key(operation_id: str) -> str:
    """Where the vault holds the password of the administrator that this operation makes."""
    return f"{operation_id}:admin"
