"""MAAS on the host: initialised, migrated, running, backed up. It is the region stand-in that then answers."""

from __future__ import annotations

import time

from bot.host.looks import Cause, Look, LookState
from bot.host.vocabulary import SecretName, StepName
from sandbox.host.model import TEST_DATABASE, TEST_ROLE, Backup, Database
from sandbox.host.work import Step, StepFailedError, Work, blocked, done, todo

_TABLES = 112
_NOT_INITIALISED = (Cause.NOT_INITIALISED, "MAAS is not initialised", "Install it first: 'install'.")


def _installed(work: Work) -> bool:
    return "maas" in work.model.snaps


def _init_look(work: Work) -> Look:
    if not _installed(work):
        return blocked(Cause.NOT_INSTALLED, "The snap maas is not installed", "Install it first.")
    maas, wanted = work.model.maas, work.args.database.value
    if maas.mode == "none":
        return todo("MAAS is not initialised (mode none)", "maas init region+rack")
    name = TEST_DATABASE if wanted == "test" else work.args.name
    if (maas.database, maas.name) != (wanted, name):
        return blocked(
            Cause.OTHER_DATABASE_SET,
            f"MAAS is initialised already, with the database {maas.name} ({maas.database})",
            "Keep that one, or reset the host first.",
        )
    database = work.model.region_database
    if database is None or not database.tables:
        return todo("MAAS is initialised, and its database was never migrated", "initialise it again")
    if work.args.url is not None and maas.url != work.args.url:
        return todo(f"MAAS is initialised at {maas.url}", f"set its address to {work.args.url}")
    return done(f"MAAS is initialised: {maas.mode}, {maas.url}")


async def _init(work: Work) -> None:
    model, wanted = work.model, work.args.database.value
    old = model.snaps["maas"].version.startswith("2.")
    name = TEST_DATABASE if wanted == "test" else work.args.name
    role = TEST_ROLE if wanted == "test" else work.args.role
    password = work.secrets.get(SecretName.DATABASE_PASSWORD, "")
    database = model.server_of(wanted).databases.get(name)
    if database is None:
        raise StepFailedError(Cause.NOT_INSTALLED, f'FATAL: database "{name}" does not exist')
    if wanted == "production" and model.server.roles[role].password != password:
        raise StepFailedError(Cause.WRONG_PASSWORD, f'FATAL: password authentication failed for user "{role}"')
    maas = model.maas

    def set_mode() -> None:
        maas.mode, maas.database, maas.name, maas.role = "region+rack", wanted, name, role
        maas.url = work.args.url or work.link.region.url
        maas.password, maas.permissions = password, "0644"

    if old:  # 2.9 starts its services, and sets the mode, before it migrates
        set_mode()
    for line in ("Running migrations:", "  Applying contenttypes.0001_initial... OK"):
        work.say(line)
    await work.percent("Performing database migrations", 8)
    if not database.tables:
        work.link.wipe()
        database.tables, database.size = _TABLES, 24_000_000
        model.done.append("migrate")
    await work.pause(2)
    set_mode()
    await _run(work)
    model.done.append("maas init")
    work.say("MAAS has been set up.")


async def _run(work: Work) -> None:
    late = work.faults.peek("api-late")
    work.model.maas.running = True
    work.model.maas.api_from = work.clock() + (late.seconds if late is not None else 3.0)


async def ready(work: Work) -> bool:
    """Whether the API answers now; it does so a while after the services have started."""
    maas = work.model.maas
    if maas.running and not work.link.up and work.clock() >= maas.api_from:
        await work.link.start()
    return work.link.up


def _permissions_look(work: Work) -> Look:
    maas = work.model.maas
    if maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    if maas.permissions == "0640":
        return done("regiond.conf has mode 0640")
    return todo(f"regiond.conf, with the database's password, has mode {maas.permissions}", "set mode 0640")


async def _permit(work: Work) -> None:
    work.model.maas.permissions = "0640"


def _migrate_look(work: Work) -> Look:
    found = _migrated(work)
    return todo(found.found, "run those that did not run yet") if found.state is LookState.DONE else found


def _migrated(work: Work) -> Look:
    if work.model.maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    database = work.model.region_database
    if database is not None and database.tables:
        return done(f"the database has {database.tables} tables and no migration is open")
    return todo("migrations are open", "migrate the database")


async def _migrate(work: Work) -> None:
    database = work.model.region_database
    assert database is not None
    await work.percent("Performing database migrations", 8)
    if not database.tables:
        work.link.wipe()
    database.tables = _TABLES
    work.model.done.append("maas migrate")
    await _run(work)


def _ready_look(work: Work) -> Look:
    if not _installed(work):
        return blocked(Cause.NOT_INSTALLED, "The snap maas is not installed", "Install it first.")
    if work.link.up:
        return done("the API answers: 200 on /MAAS/api/2.0/version/")
    return todo("the API does not answer yet", "wait for it", cause=Cause.API_LATE)


async def _wait_ready(work: Work) -> None:
    until = work.clock() + work.args.timeout
    while not await ready(work):
        if work.clock() > until:
            raise StepFailedError(
                Cause.API_LATE, f"The API did not answer within {work.args.timeout} s", "Look at 'logs regiond'."
            )
        await work.pause(1)


def _admin_look(work: Work) -> Look:
    if work.model.maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    user = work.link.user(work.args.username)
    if user is None:
        return todo(f"There is no user {work.args.username}", f"create the administrator {work.args.username}")
    if not user.is_superuser:
        return blocked(
            Cause.DUPLICATE_ADMIN,
            f"The user {work.args.username} is there, and is no administrator",
            "Choose another name.",
        )
    return done(f"The administrator {work.args.username} is there")


async def _admin(work: Work) -> None:
    await work.pause(4)
    assert work.secrets[SecretName.ADMIN_PASSWORD]
    work.link.add_admin(work.args.username, work.args.email)
    work.model.done.append(f"create admin {work.args.username}")


def _restart_look(work: Work) -> Look:
    if work.model.maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    return todo("MAAS runs", "restart MAAS's services", lost=("commands to BMCs that are on their way",))


async def _restart(work: Work) -> None:
    work.model.maas.running = False
    await work.link.stop()
    work.progress("Restarting MAAS", None)
    await work.pause(5)
    await _run(work)
    work.model.done.append("snap restart maas")


def _backup_look(work: Work) -> Look:
    if work.model.maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    if any(one.backup == work.args.backup for one in work.model.backups):
        return done(f"The backup {work.args.backup} is there and whole")
    database = work.model.region_database
    if database is None:
        return blocked(Cause.NOT_INSTALLED, "The region's database is not there")
    return todo(
        f"The database {work.model.maas.name} has {database.size / 1e6:.0f} MB", f"make the backup {work.args.backup}"
    )


async def _backup(work: Work) -> None:
    model = work.model
    database = model.region_database
    assert database is not None
    work.progress(f"pg_dump {model.maas.name}", None)
    await work.pause(5)
    work.progress("Reading the backup's list back", None)
    await work.pause(2)
    made = Backup(
        work.args.backup, time.time(), model.maas.database, model.maas.name, model.snaps["maas"].version.split("-")[0],
        database.size // 4, database.tables, work.link.dump(),
    )  # fmt: skip
    model.backups.insert(0, made)
    model.done.append("backup")


def _restore_look(work: Work) -> Look:
    if work.model.maas.mode == "none":
        return blocked(*_NOT_INITIALISED)
    backup = next((one for one in work.model.backups if one.backup == work.args.backup), None)
    if backup is None:
        return blocked(Cause.NO_SUCH_BACKUP, f"There is no backup {work.args.backup}", "'backup list' lists them.")
    return todo(
        f"The backup {backup.backup} is whole: {backup.tables} tables, MAAS {backup.version}",
        "stop MAAS, load the backup, start MAAS",
        lost=("what the region has learned since that backup",),
    )


async def _restore(work: Work) -> None:
    backup = next(one for one in work.model.backups if one.backup == work.args.backup)
    work.model.maas.running = False
    await work.link.stop()
    await work.percent("pg_restore", 8)
    server = work.model.server_of(work.model.maas.database)
    server.databases[work.model.maas.name] = Database(work.model.maas.role, backup.tables, backup.size * 4)
    work.link.load(backup.world)
    work.model.done.append("restore")
    await _run(work)


MAAS_STEPS = {
    StepName.MAAS_INIT: Step(_init_look, _init),
    StepName.MAAS_PERMISSIONS: Step(_permissions_look, _permit),
    StepName.MAAS_MIGRATE: Step(_migrate_look, _migrate, _migrated),
    StepName.MAAS_READY: Step(_ready_look, _wait_ready),
    StepName.MAAS_ADMIN: Step(_admin_look, _admin),
    StepName.MAAS_RESTART: Step(_restart_look, _restart, lambda _work: done("MAAS was restarted")),
    StepName.BACKUP: Step(_backup_look, _backup),
    StepName.RESTORE: Step(_restore_look, _restore, lambda work: done(f"backup {work.args.backup} is in place")),
}
