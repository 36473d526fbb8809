"""What a look at a step's matter answers, how a step ended, and what stood in the way."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Told(BaseModel):
    """What the helper answers: a newer one may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class LookState(StrEnum):
    DONE = "done"
    TODO = "todo"
    BLOCKED = "blocked"


class Cause(StrEnum):
    """What stood in the way, for the bot to say it well and to decide whether to try again."""

    SNAPD_DOWN = "snapd_down"
    SNAP_BUSY = "snap_busy"  # another change runs: later
    SNAP_NOT_FOUND = "snap_not_found"
    CHANNEL_NOT_FOUND = "channel_not_found"
    STORE_UNREACHABLE = "store_unreachable"  # later
    OTHER_CHANNEL = "other_channel"  # installed, from another channel: upgrade instead
    DOWNGRADE = "downgrade"
    POSTGRESQL_TOO_OLD = "postgresql_too_old"
    DISK_FULL = "disk_full"
    DPKG_LOCK = "dpkg_lock"  # later
    APT_LISTS_LOCK = "apt_lists_lock"  # later
    MIRROR_DOWN = "mirror_down"  # later
    HALF_INSTALLED = "half_installed"
    CLUSTER_DOWN = "cluster_down"
    OTHER_DATABASES = "other_databases"
    OTHER_PACKAGES = "other_packages"
    DATABASE_IN_USE = "database_in_use"
    FOREIGN_OWNER = "foreign_owner"
    ROLE_IN_USE = "role_in_use"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a name
    BAD_PG_HBA = "bad_pg_hba"
    NOT_INSTALLED = "not_installed"
    NOT_INITIALISED = "not_initialised"
    OTHER_DATABASE_SET = "other_database_set"  # initialised already, with another database
    HALF_MIGRATED = "half_migrated"
    API_LATE = "api_late"
    DUPLICATE_ADMIN = "duplicate_admin"
    NO_SUCH_USER = "no_such_user"
    NO_BACKUP_PROGRAM = "no_backup_program"
    NO_SUCH_BACKUP = "no_such_backup"
    BAD_BACKUP = "bad_backup"
    HOST_UNFIT = "host_unfit"
    TIMEOUT = "timeout"
    FAILED = "failed"
    CRASHED = "crashed"  # a fault of the helper's


#: Causes that pass by themselves: the same step may be run again, under a new job id.
PASSING = frozenset(
    {
        Cause.SNAP_BUSY,
        Cause.STORE_UNREACHABLE,
        Cause.DPKG_LOCK,
        Cause.APT_LISTS_LOCK,
        Cause.MIRROR_DOWN,
        Cause.SNAPD_DOWN,
        Cause.API_LATE,
    }
)


class Finding(Told):
    """One thing that was looked at."""

    name: str
    well: bool
    found: str
    remedy: str = ""


class Look(Told):
    """How a step's matter is today. `will` is what running it would do, `lost` what would be gone after it."""

    state: LookState
    found: str
    will: str = ""
    lost: tuple[str, ...] = ()
    cause: Cause | None = None
    remedy: str = ""
    findings: tuple[Finding, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)


class Outcome(Told):
    """How a job ended, by looking again. `changed` False with rc 0: it was so already."""

    changed: bool
    found: str
    cause: Cause | None = None
    message: str = ""
    remedy: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)
