"""Facts of the host: what the helper's read queries answer. They change nothing, and take no SQL and no commands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from bot.host.looks import Told
from bot.host.system_facts import HostFacts, Network
from bot.host.vocabulary import Database, PgName, Sent


class QueryName(StrEnum):
    FACTS = "facts"
    NETWORK = "network"
    SERVICES = "services"
    CONFIG = "config"
    DATABASES = "databases"
    ROLES = "roles"
    TABLES = "tables"
    MACHINES = "machines"
    LOGS = "logs"
    LOG = "log"
    BACKUPS = "backups"
    INVENTORY = "inventory"
    MIRROR = "mirror"


class ServerArguments(Sent):
    """Which PostgreSQL; None: the one that the region uses, else the one that is there."""

    server: Database | None = None


class TablesArguments(Sent):
    server: Database | None = None
    database: PgName | None = Field(None, description="None: the region's own")


#: A name out of `logs`: regiond, rackd, maas, named, …, postgresql, snapd, apt, dpkg, system (this boot's journal).
LogName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]


class LogArguments(Sent):
    """The last `lines` lines that match. `grep` is one line of text, or an extended regex with `regex`."""

    name: LogName
    lines: int = Field(50, ge=1, le=5000)
    since: int | None = Field(None, ge=1, le=31 * 86_400, description="seconds back from now")
    grep: str | None = Field(None, min_length=1, max_length=200)
    regex: bool = False


class MirrorArguments(Sent):
    """A mirror of images, as boot sources name it: without user, query or anything that wants quoting."""

    url: Annotated[
        str,
        Field(pattern=r"^https?://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?(/[A-Za-z0-9._~+-]+)*/?$"),
    ]


class Service(Told):
    """One of MAAS's services. `expected` tells whether it should run here; None: it may run or not (like DHCP)."""

    name: str
    state: str = Field(description="MAAS's own word, like RUNNING, STOPPED, active, inactive")
    running: bool
    expected: bool | None
    detail: str = ""


class Services(Told):
    """`manager` is what was found: supervisor (2.9 to 3.4) or pebble (3.5 on). `fault` when it could not be asked."""

    initialised: bool
    manager: Literal["supervisor", "pebble", ""]
    services: tuple[Service, ...] = ()
    fault: str = ""
    database_running: bool | None = None
    api: int | None = Field(None, description="HTTP status of the API's version page; None: no answer")


class Config(Told):
    """MAAS's own configuration; never the password. `migrations` None: its database could not be asked."""

    installed: bool
    version: str = ""
    channel: str = ""
    mode: str = Field("", description="region+rack, region, rack, none")
    url: str = ""
    database: Database | None = None
    database_host: str = ""
    database_name: str = ""
    database_user: str = ""
    migrations: int | None = None
    permissions: str = Field("", description="of regiond.conf, like 0640")


class DatabaseFacts(Told):
    name: str
    owner: str
    size: int = Field(description="bytes")
    connections: int
    encoding: str = ""


class Databases(Told):
    server: Database
    version: str
    databases: tuple[DatabaseFacts, ...]


class Role(Told):
    name: str
    login: bool
    superuser: bool
    attributes: tuple[str, ...] = ()
    member_of: tuple[str, ...] = ()


class Roles(Told):
    server: Database
    roles: tuple[Role, ...]


class Table(Told):
    """`rows` is PostgreSQL's estimate; -1 when it was never counted."""

    name: str
    rows: int
    size: int


class Tables(Told):
    server: Database
    database: str
    size: int
    tables: tuple[Table, ...] = Field(description="largest first")


class RegionMachines(Told):
    """Machines in the region's database, by MAAS's status number (6 is deployed); also when its API is down."""

    by_status: dict[int, int]
    deployed: tuple[str, ...] = Field((), description="up to 200 names")


class LogFacts(Told):
    name: str
    source: Literal["file", "journal"]
    size: int | None = None
    changed: datetime | None = None


class Logs(Told):
    logs: tuple[LogFacts, ...]


class LogLines(Told):
    """`lines` without secrets. `cut`: more lines matched than were asked for, or than fit."""

    name: str
    source: Literal["file", "journal"]
    lines: tuple[str, ...]
    cut: bool = False


class Backup(Told):
    """A backup, verified when it was made by reading its list back."""

    backup: str
    made: datetime
    database: Database
    database_name: str
    maas_version: str
    size: int
    tables: int
    whole: bool = Field(description="its files are there, with the sizes that were noted")


class Backups(Told):
    folder: str
    free: int
    backups: tuple[Backup, ...] = Field(description="newest first")


class Leftover(Told):
    """One thing on the host that belongs to MAAS or its database."""

    kind: Literal["snap", "snapshot", "database", "role", "pg_hba", "package", "folder", "user", "backup"]
    name: str
    size: int | None = None
    stays: str = Field("", description="why a reset leaves it; empty: a reset takes it away")


class Inventory(Told):
    """What there is of MAAS on this host: what a reset would take, and after it, what is left."""

    things: tuple[Leftover, ...]
    other_databases: tuple[str, ...] = Field((), description="not MAAS's: they forbid the purge of PostgreSQL")
    empty: bool = Field(description="nothing that a reset takes away is left")


class Mirror(Told):
    """How far the host came: the name has an address, the port answers, the answer's status; `said`: the last word.

    `page`: it is answered with a web page, as by a portal or a proxy that wants a password, and not with an index.
    """

    url: str
    name: bool
    port: bool
    status: int | None = None
    said: str = ""
    page: bool = False


#: All others take none.
QUERY_ARGUMENTS: dict[QueryName, type[Sent]] = {
    QueryName.DATABASES: ServerArguments,
    QueryName.ROLES: ServerArguments,
    QueryName.TABLES: TablesArguments,
    QueryName.LOG: LogArguments,
    QueryName.MIRROR: MirrorArguments,
}

QUERY_RESULT: dict[QueryName, type[Told]] = {
    QueryName.FACTS: HostFacts,
    QueryName.NETWORK: Network,
    QueryName.SERVICES: Services,
    QueryName.CONFIG: Config,
    QueryName.DATABASES: Databases,
    QueryName.ROLES: Roles,
    QueryName.TABLES: Tables,
    QueryName.MACHINES: RegionMachines,
    QueryName.LOGS: Logs,
    QueryName.LOG: LogLines,
    QueryName.BACKUPS: Backups,
    QueryName.INVENTORY: Inventory,
    QueryName.MIRROR: Mirror,
}
