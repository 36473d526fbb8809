"""The steps that the helper on the host knows: their names, their arguments, and the secrets that they need."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class StepName(StrEnum):
    """Everything that can be done to a host. Each looks first, acts if need be, and verifies by looking again."""

    PREFLIGHT = "preflight"  # nothing is changed; blocked when the host can't carry a region
    SNAPD = "snapd"
    SNAP_INSTALL = "snap-install"
    SNAP_REFRESH = "snap-refresh"
    SNAP_REMOVE = "snap-remove"  # with --purge: no snapshot of the data stays
    POSTGRESQL_INSTALL = "postgresql-install"
    POSTGRESQL_PURGE = "postgresql-purge"  # blocked while other databases than those of `MAAS` are on the host
    ROLE_CREATE = "role-create"
    ROLE_DROP = "role-drop"
    DATABASE_CREATE = "database-create"
    DATABASE_DROP = "database-drop"
    PG_HBA_ALLOW = "pg-hba-allow"
    PG_HBA_REMOVE = "pg-hba-remove"
    MAAS_INIT = "maas-init"
    MAAS_PERMISSIONS = "maas-permissions"  # regiond.conf, which holds the database's password, not for everybody
    MAAS_MIGRATE = "maas-migrate"
    MAAS_READY = "maas-ready"  # waits until the API answers; nothing is changed
    MAAS_ADMIN = "maas-admin"
    MAAS_RESTART = "maas-restart"
    BACKUP = "backup"
    RESTORE = "restore"


class Snap(StrEnum):
    MAAS = "maas"
    TEST_DB = "maas-test-db"
    CLI = "maas-cli"


class Database(StrEnum):
    """Which PostgreSQL: the snap maas-test-db, or the host's own."""

    TEST = "test"
    PRODUCTION = "production"


class Reach(StrEnum):
    """Who may log in with the region's role. `WIDE` is the whole network: the old notes' line, a risk."""

    NARROW = "narrow"  # host DB ROLE 127.0.0.1/32
    WIDE = "wide"  # host DB ROLE 0.0.0.0/0


class Sent(BaseModel):
    """What the bot sends: nothing but what is declared."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _not_reserved(name: str) -> str:
    if name.startswith("pg_") or name in {"postgres", "template0", "template1", "public"}:
        raise ValueError("is PostgreSQL's own")
    return name


Channel = Annotated[str, Field(pattern=r"^(latest|[1-9]\.[0-9]{1,2})/(stable|candidate|beta|edge)$")]
#: A database or role: what needs no quoting anywhere. pg_…, postgres, template0 and template1 are refused.
PgName = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$"), AfterValidator(_not_reserved)]
UserName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@.+_-]{0,149}$")]
Email = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,189}$")]
MaasUrl = Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9\[][A-Za-z0-9.:\]-]{0,200}/MAAS$")]
#: Chosen and stored by the bot before it is sent, like `op-4k2f-3-snap-install`.
JobId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,63}$")]
BackupId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{2,63}$")]


class NoArguments(Sent):
    pass


class PreflightArguments(Sent):
    channel: Channel
    database: Database


class SnapArguments(Sent):
    """For snap-install and snap-refresh. A refresh to an older channel is blocked: the database can't go back."""

    snap: Snap
    channel: Channel


class SnapRemoveArguments(Sent):
    snap: Snap


class RoleArguments(Sent):
    role: PgName


class DatabaseArguments(Sent):
    """For database-create; `role` is to own it. A database of this name with another owner blocks."""

    name: PgName
    role: PgName


class DatabaseDropArguments(Sent):
    name: PgName


class PgHbaArguments(Sent):
    database: PgName
    role: PgName
    reach: Reach = Reach.NARROW


class PgHbaRemoveArguments(Sent):
    """Takes away our marked lines, and lines of exactly this database and role that people wrote by hand."""

    database: PgName
    role: PgName


class InitArguments(Sent):
    """`url` None is MAAS's own default (`http://ADDRESS:5240/MAAS`). `name` and `role` only for production."""

    database: Database
    url: MaasUrl | None = None
    name: PgName | None = None
    role: PgName | None = None


class ReadyArguments(Sent):
    timeout: int = Field(600, ge=5, le=1800, description="seconds")


class AdminArguments(Sent):
    username: UserName
    email: Email


class BackupArguments(Sent):
    backup: BackupId


class PurgeArguments(Sent):
    """Databases of this region, which do not stand in the way of the purge (they are normally dropped by then)."""

    databases: tuple[PgName, ...] = ()


STEP_ARGUMENTS: dict[StepName, type[Sent]] = {
    StepName.PREFLIGHT: PreflightArguments,
    StepName.SNAPD: NoArguments,
    StepName.SNAP_INSTALL: SnapArguments,
    StepName.SNAP_REFRESH: SnapArguments,
    StepName.SNAP_REMOVE: SnapRemoveArguments,
    StepName.POSTGRESQL_INSTALL: NoArguments,
    StepName.POSTGRESQL_PURGE: PurgeArguments,
    StepName.ROLE_CREATE: RoleArguments,
    StepName.ROLE_DROP: RoleArguments,
    StepName.DATABASE_CREATE: DatabaseArguments,
    StepName.DATABASE_DROP: DatabaseDropArguments,
    StepName.PG_HBA_ALLOW: PgHbaArguments,
    StepName.PG_HBA_REMOVE: PgHbaRemoveArguments,
    StepName.MAAS_INIT: InitArguments,
    StepName.MAAS_PERMISSIONS: NoArguments,
    StepName.MAAS_MIGRATE: NoArguments,
    StepName.MAAS_READY: ReadyArguments,
    StepName.MAAS_ADMIN: AdminArguments,
    StepName.MAAS_RESTART: NoArguments,
    StepName.BACKUP: BackupArguments,
    StepName.RESTORE: BackupArguments,
}


class SecretName(StrEnum):
    """One line of text each, 8 to 128 characters, none of them a control character."""

    DATABASE_PASSWORD = "database_password"  # noqa: S105 - a name
    ADMIN_PASSWORD = "admin_password"  # noqa: S105 - a name


#: The secrets that a step needs to run. maas-init needs its own for production alone. `check` needs none, and takes
#: them to look closer (role-create: is this the role's password today?).
STEP_SECRETS: dict[StepName, frozenset[SecretName]] = {
    StepName.ROLE_CREATE: frozenset({SecretName.DATABASE_PASSWORD}),
    StepName.MAAS_INIT: frozenset({SecretName.DATABASE_PASSWORD}),
    StepName.MAAS_ADMIN: frozenset({SecretName.ADMIN_PASSWORD}),
}


class ApiKeyArguments(Sent):
    """For `secret` "apikey". With `mint` a user without a key gets one; the first key is answered: always the same."""

    username: UserName
    mint: bool = True
