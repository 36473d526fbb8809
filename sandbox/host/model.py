"""What there is on the host: snaps, packages, PostgreSQL, MAAS, backups. Plain data, so that a restart goes on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: Versions of MAAS by the track of their channel, and the revision of their snap.
VERSIONS = {
    "2.9": ("2.9.3-9095-g.2cd6c6ccf", "12555"),
    "3.3": ("3.3.9-13250-g.8d9aec3bc", "36889"),
    "3.4": ("3.4.10-14347-g.88e1f9d4d", "40962"),
    "3.7": ("3.7.3-17905-g.1a2b3c4d5", "42001"),
}
#: The database of the snap maas-test-db, and its role.
TEST_DATABASE, TEST_ROLE = "maasdb", "maas"
GB = 1_000_000_000


@dataclass
class Snap:
    channel: str
    version: str
    revision: str


@dataclass
class Role:
    password: str = ""
    superuser: bool = False


@dataclass
class Database:
    """`tables` 0: never migrated. `in_use`: MAAS's services hold connections."""

    owner: str
    tables: int = 0
    size: int = 8_000_000


@dataclass
class Server:
    """One PostgreSQL: its roles, its databases, its lines of pg_hba.conf that are ours or written by hand."""

    roles: dict[str, Role] = field(default_factory=dict)
    databases: dict[str, Database] = field(default_factory=dict)
    hba: list[str] = field(default_factory=list)


@dataclass
class Maas:
    """`database` is "test", "production" or "" while it is not initialised."""

    mode: str = "none"
    url: str = ""
    database: str = ""
    name: str = ""
    role: str = ""
    password: str = ""
    permissions: str = ""
    running: bool = False
    #: When its API answers, in the model's seconds; services start before it does.
    api_from: float = 0.0


@dataclass
class Backup:
    backup: str
    made: float
    database: str
    name: str
    version: str
    size: int
    tables: int
    world: dict[str, Any] = field(default_factory=dict)


@dataclass
class HostModel:
    """The host. `boot` changes with each start of it."""

    hostname: str = "maas-host"
    boot: int = 1
    snaps: dict[str, Snap] = field(default_factory=dict)
    apt: bool = False  # PostgreSQL from apt
    folders: list[str] = field(default_factory=list)
    server: Server = field(default_factory=Server)
    test_server: Server = field(default_factory=Server)
    maas: Maas = field(default_factory=Maas)
    backups: list[Backup] = field(default_factory=list)
    memory: int = 8 * GB
    disk_free: int = 60 * GB
    log: list[str] = field(default_factory=list)
    #: What was really done, in order, by name: a test counts how often.
    done: list[str] = field(default_factory=list)

    def server_of(self, database: str) -> Server:
        return self.test_server if database == "test" else self.server

    @property
    def region_database(self) -> Database | None:
        """The database that the region uses."""
        if not self.maas.database:
            return None
        return self.server_of(self.maas.database).databases.get(self.maas.name)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, rows: dict[str, Any]) -> HostModel:
        def server(row: dict[str, Any]) -> Server:
            return Server(
                {name: Role(**one) for name, one in row["roles"].items()},
                {name: Database(**one) for name, one in row["databases"].items()},
                list(row["hba"]),
            )

        return cls(
            **{
                **rows,
                "snaps": {name: Snap(**one) for name, one in rows["snaps"].items()},
                "server": server(rows["server"]),
                "test_server": server(rows["test_server"]),
                "maas": Maas(**rows["maas"]),
                "backups": [Backup(**one) for one in rows["backups"]],
            }
        )
