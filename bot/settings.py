"""Settings: the only reader of the environment and of maasbot.toml. The environment wins over the file."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import (
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot.policy.rules import Rules
from bot.settings_checks import describe, faults_of
from bot.settings_fields import Channels, Duration, OneChannel, People
from bot.settings_file import SettingsError, read_file
from bot.settings_regions import (
    HostSettings,
    OptionalPath,
    OptionalSecret,
    OptionalText,
    RegionSettings,
    key_in,
)

__all__ = ["HostSettings", "LogFormat", "LogLevel", "Mode", "RegionSettings", "Settings", "SettingsError"]
__all__ += ["key_in", "load_settings"]


class Mode(StrEnum):
    SOCKET = "socket"
    HTTP = "http"


class LogFormat(StrEnum):
    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """Everything that can be set, under the names of the environment."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True, case_sensitive=True)

    slack_bot_token: OptionalSecret = Field(None, alias="SLACK_BOT_TOKEN")
    slack_app_token: OptionalSecret = Field(None, alias="SLACK_APP_TOKEN")
    slack_signing_secret: OptionalSecret = Field(None, alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field("https://slack.com/api/", alias="SLACK_API_URL")
    mode: Mode = Field(Mode.SOCKET, alias="MAASBOT_MODE")
    http_host: str = Field("127.0.0.1", alias="MAASBOT_HTTP_HOST")
    http_port: int = Field(3000, alias="MAASBOT_HTTP_PORT", ge=0, le=65535)
    state_dir: Path = Field(default_factory=lambda: _default_state_dir(), alias="MAASBOT_STATE_DIR")  # noqa: PLW0108 - defined below
    database_url: OptionalSecret = Field(None, alias="MAASBOT_DATABASE_URL")
    log_level: LogLevel = Field(LogLevel.INFO, alias="MAASBOT_LOG_LEVEL")
    log_format: LogFormat = Field(LogFormat.JSON, alias="MAASBOT_LOG_FORMAT")
    maas_url: OptionalText = Field(None, alias="MAAS_URL")
    maas_api_key: OptionalSecret = Field(None, alias="MAAS_API_KEY")
    maas_api_key_file: OptionalPath = Field(None, alias="MAAS_API_KEY_FILE")
    maas_host: OptionalText = Field(None, alias="MAAS_HOST")
    maas_ssh_port: int = Field(22, alias="MAAS_SSH_PORT", ge=1, le=65535)
    maas_ssh_user: str = Field("maasbot", alias="MAAS_SSH_USER")
    maas_ssh_key_file: OptionalPath = Field(None, alias="MAAS_SSH_KEY_FILE")
    maas_ssh_known_hosts: OptionalPath = Field(None, alias="MAAS_SSH_KNOWN_HOSTS")
    channels: Channels = Field((), alias="MAASBOT_CHANNELS")
    operators: People = Field((), alias="MAASBOT_OPERATORS")
    approvers: People = Field((), alias="MAASBOT_APPROVERS")
    admins: People = Field((), alias="MAASBOT_ADMINS")
    approval_channel: OneChannel = Field(None, alias="MAASBOT_APPROVAL_CHANNEL")
    approval_ttl: Duration = Field(timedelta(minutes=30), alias="MAASBOT_APPROVAL_TTL")
    #: How long nothing of an import arrives before it is called stalled.
    import_stalled_after: Duration = Field(timedelta(minutes=10), alias="MAASBOT_IMPORT_STALLED_AFTER")
    keep_operations: Duration = Field(timedelta(days=90), alias="MAASBOT_KEEP_OPERATIONS")
    audit_file: OptionalText = Field(None, alias="MAASBOT_AUDIT_FILE")
    regions: dict[str, RegionSettings] = Field(default_factory=dict, alias="regions")
    # Made of the file alone; NoDecode keeps an environment variable of this name from being taken for one.
    policy: Annotated[Rules, NoDecode] = Field(default_factory=Rules, alias="policy")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file; no dotenv, no secrets folder."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _TomlSource(settings_cls)

    def all_regions(self) -> dict[str, RegionSettings]:
        """The regions by name: those of the file, and `default` from MAAS_URL and its fellows.

        Raises:
            ValidationError: MAAS_URL without a key, or with a bad one.
        """
        regions = dict(self.regions)
        if self.maas_url is not None or self.maas_host:
            host = None
            if self.maas_host:
                host = HostSettings(
                    host=self.maas_host,
                    ssh_port=self.maas_ssh_port,
                    ssh_user=self.maas_ssh_user,
                    ssh_key_file=self.maas_ssh_key_file,
                    ssh_known_hosts=self.maas_ssh_known_hosts,
                )
            regions["default"] = RegionSettings(
                url=self.maas_url or f"http://{self.maas_host}:5240/MAAS",
                api_key=self.maas_api_key,
                api_key_file=self.maas_api_key_file,
                host=host,
            )
        return regions

    def own_key_file(self, region: str) -> Path:
        """Where the bot keeps an API key that it has made for itself: in the file of the settings, or its own."""
        return self.all_regions()[region].api_key_file or self.state_dir / f"region-{region}.key"

    def key_of(self, region: str) -> SecretStr | None:
        """The API key of a region: that of the settings, else the one that the bot had made; None when there is none.

        Raises:
            ValueError: a file can't be read or holds no key.
        """
        key = self.all_regions()[region].key()
        own = self.own_key_file(region)
        return key_in(own) if key is None and own.exists() else key

    def secrets(self) -> list[str]:
        """Every secret value, for the redactor of the logs."""
        held = [self.slack_bot_token, self.slack_app_token, self.slack_signing_secret]
        keys = [self.key_of(region) for region in self.all_regions()]
        password = sa.make_url(self.database_url.get_secret_value()).password if self.database_url else None
        keys += [SecretStr(str(password)) if password else None]
        return [secret.get_secret_value() for secret in (*held, *keys) if secret is not None]

    def policy_warnings(self) -> list[str]:
        """What of the policy is allowed but can hardly be meant, one line each."""
        outside = [
            f"{self.policy.where(rule)}: channels: {channel} is not in MAASBOT_CHANNELS, so the rule never holds there"
            for rule in self.policy.rules
            for channel in rule.channels
            if channel not in self.channels
        ]
        return [*self.policy.warnings, *outside]

    def own_database_url(self) -> str:
        """The URL of the bot's own tables."""
        return self._database_url("maasbot.sqlite")

    def engine_database_url(self) -> str:
        """The URL of the durable engine's tables: a second file on SQLite, where one writer at a time is the rule."""
        return self._database_url("engine.sqlite")

    def _database_url(self, file: str) -> str:
        if self.database_url is None:
            return f"sqlite:///{self.state_dir / file}"
        url = self.database_url.get_secret_value()
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)


class _TomlSource(PydanticBaseSettingsSource):
    """maasbot.toml: the same names in any case, and the tables `regions` and `policy`."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        del field
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        return read_file(_names())[0]


def _names() -> set[str]:
    return {str(field.alias) for field in Settings.model_fields.values()} - {"regions", "policy"}


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "maasbot"


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings. What `maasbot run` needs is checked here, not at first use.

    Raises:
        SettingsError: one line for each fault, naming the setting.
    """
    faults = read_file(_names())[1]
    wrong: set[str] = set()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        faults += describe(error)
        # The others are checked all the same: whoever sets this up wants to mend everything in one go.
        wrong = {str(detail["loc"][0]) for detail in error.errors(include_input=False) if detail["loc"]}
        settings = _settings_without(wrong)(**overrides)
    faults += faults_of(settings, wrong)
    if faults:
        raise SettingsError(faults)
    return settings


def _settings_without(names: set[str]) -> type[Settings]:
    """Settings that leave these out, wherever they are set."""

    class Rest(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *sources: PydanticBaseSettingsSource, **named: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            found = super().settings_customise_sources(settings_cls, *sources, **named)
            return tuple(_Without(settings_cls, source, names) for source in found)

    return Rest


class _Without(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource, names: set[str]) -> None:
        super().__init__(settings_cls)
        self._source = source
        self._names = names

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in self._source().items() if name not in self._names}
