"""Roles, databases and pg_hba lines of the host's own PostgreSQL."""

from __future__ import annotations

from bot.host.looks import Cause, Look
from bot.host.vocabulary import Reach, SecretName, StepName
from sandbox.host.model import Database, Role
from sandbox.host.work import Step, Work, blocked, done, todo

_NOT_THERE = (Cause.NOT_INSTALLED, "PostgreSQL is not installed", "Install it first.")


def _role(work: Work) -> Look:
    if not work.model.apt:
        return blocked(*_NOT_THERE)
    name, password = work.args.role, work.secrets.get(SecretName.DATABASE_PASSWORD)
    there = work.model.server.roles.get(name)
    if there is None:
        return todo(f"There is no role {name}", f"create the role {name}")
    used = work.model.maas
    if used.database == "production" and used.role == name and used.password == there.password:
        return done(f"The role {name} is there, and the region uses it with its password")
    if password is not None and there.password == password:
        return done(f"The role {name} is there, with this password")
    return todo(f"The role {name} is there", "give it a new password")


async def _create_role(work: Work) -> None:
    await work.pause(0.5)
    work.model.server.roles[work.args.role] = Role(work.secrets[SecretName.DATABASE_PASSWORD])
    work.model.done.append(f"create role {work.args.role}")


def _drop_role_look(work: Work) -> Look:
    name = work.args.role
    if name not in work.model.server.roles:
        return done(f"There is no role {name}")
    owned = sorted(one for one, row in work.model.server.databases.items() if row.owner == name)
    if owned:
        return blocked(Cause.ROLE_IN_USE, f"The role {name} still owns: {', '.join(owned)}", "Drop its database first.")
    return todo(f"The role {name} is there", f"drop the role {name}")


async def _drop_role(work: Work) -> None:
    await work.pause(0.5)
    work.model.server.roles.pop(work.args.role, None)
    work.model.done.append(f"drop role {work.args.role}")


def _database(work: Work) -> Look:
    if not work.model.apt:
        return blocked(*_NOT_THERE)
    there = work.model.server.databases.get(work.args.name)
    if there is None:
        return todo(f"There is no database {work.args.name}", f"create it for {work.args.role}")
    if there.owner != work.args.role:
        return blocked(
            Cause.FOREIGN_OWNER,
            f"The database {work.args.name} belongs to {there.owner}",
            "It is somebody else's, and was left alone. Name another database.",
        )
    return done(f"The database {work.args.name} is there and belongs to {work.args.role}")


async def _create_database(work: Work) -> None:
    await work.pause(1)
    work.model.server.databases[work.args.name] = Database(work.args.role)
    work.model.done.append(f"create database {work.args.name}")


def _drop_look(work: Work) -> Look:
    there = work.model.server.databases.get(work.args.name)
    if there is None:
        return done(f"There is no database {work.args.name}")
    if (work.model.maas.database, work.model.maas.name) == ("production", work.args.name):
        return blocked(
            Cause.DATABASE_IN_USE, f"The region uses the database {work.args.name}", "Remove the snap maas first."
        )
    size = f"{there.size / 1e6:.0f} MB"
    lost = (f"the database {work.args.name} ({size}, {there.tables} tables) with everything that the region knows",)
    return todo(f"The database {work.args.name} is there, {size}", "drop it", lost=lost)


async def _drop(work: Work) -> None:
    await work.pause(1)
    work.model.server.databases.pop(work.args.name, None)
    work.model.done.append(f"drop database {work.args.name}")


def _line(work: Work) -> str:
    reach = "0.0.0.0/0" if getattr(work.args, "reach", None) is Reach.WIDE else "127.0.0.1/32"
    return f"host {work.args.database} {work.args.role} {reach} md5"


def _allow_look(work: Work) -> Look:
    if not work.model.apt:
        return blocked(*_NOT_THERE)
    line = _line(work)
    if line in work.model.server.hba:
        return done(f"pg_hba.conf has the line '{line}'")
    return todo("pg_hba.conf has no line for the region", f"add '{line}' on top")


async def _allow(work: Work) -> None:
    await work.pause(0.5)
    start = f"host {work.args.database} {work.args.role} "
    kept = [line for line in work.model.server.hba if not line.startswith(start)]
    work.model.server.hba = [_line(work), *kept]
    work.model.done.append("pg_hba allow")


def _forbid_look(work: Work) -> Look:
    start = f"host {work.args.database} {work.args.role} "
    lines = [line for line in work.model.server.hba if line.startswith(start)]
    if not lines:
        return done("pg_hba.conf has no line for the region")
    return todo(f"pg_hba.conf has '{lines[0]}'", "take it away")


async def _forbid(work: Work) -> None:
    await work.pause(0.5)
    start = f"host {work.args.database} {work.args.role} "
    work.model.server.hba = [line for line in work.model.server.hba if not line.startswith(start)]
    work.model.done.append("pg_hba remove")


DATABASE_STEPS = {
    StepName.ROLE_CREATE: Step(_role, _create_role),
    StepName.ROLE_DROP: Step(_drop_role_look, _drop_role),
    StepName.DATABASE_CREATE: Step(_database, _create_database),
    StepName.DATABASE_DROP: Step(_drop_look, _drop),
    StepName.PG_HBA_ALLOW: Step(_allow_look, _allow),
    StepName.PG_HBA_REMOVE: Step(_forbid_look, _forbid),
}
