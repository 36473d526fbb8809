"""A region's host as the rest of the bot sees it: what can be asked of it, and what can be done there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.host.client import HelperClient
from bot.host.connection import ConnectionPace, HostConnection
from bot.host.jobs import JobPace, Jobs
from bot.host.vault import Vault
from bot.settings import HostSettings


@dataclass(frozen=True, slots=True)
class HostPace:
    """How patient the bot is with a host."""

    connection: ConnectionPace = field(default_factory=ConnectionPace)
    jobs: JobPace = field(default_factory=JobPace)


@dataclass(frozen=True, slots=True)
class HostService:
    """One host. `key_file` is where an API key goes that the bot has made for itself."""

    settings: HostSettings
    connection: HostConnection
    helper: HelperClient
    jobs: Jobs
    vault: Vault
    key_file: Path

    @classmethod
    def of(cls, settings: HostSettings, key_file: Path, pace: HostPace | None = None) -> HostService:
        """Build one; it connects at the first question."""
        pace = pace or HostPace()
        connection = HostConnection(settings, pace.connection)
        helper = HelperClient(connection)
        return cls(settings, connection, helper, Jobs(helper, pace.jobs), Vault(), key_file)

    @property
    def name(self) -> str:
        """The host as the settings name it: what people see, and type where a name has to be typed."""
        return self.settings.host

    async def close(self) -> None:
        """Close the connection."""
        await self.connection.close()
