"""Settings: the only reader of the environment and of maasbot.toml. The environment wins over the file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
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

from bot.policy.file import PolicyFileError, misnamed, read_policy
from bot.policy.rules import Rules
from bot.settings_fields import Channels, Duration, OneChannel, People
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


class SettingsError(Exception):
    """Settings that can't be used. `faults` holds one line each; none of them repeats a secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


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
        path = Path(os.environ.get("MAASBOT_CONFIG") or "maasbot.toml")
        if not path.exists():
            if os.environ.get("MAASBOT_CONFIG"):
                raise SettingsError([f"MAASBOT_CONFIG: {path} is not there"])
            return {}
        return _read_toml(path)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise SettingsError([f"MAASBOT_CONFIG: {path} can't be read ({error.strerror})"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"MAASBOT_CONFIG: {path} is not valid TOML: {error}"]) from None
    known = {str(field.alias) for field in Settings.model_fields.values()} - {"regions", "policy"}
    values: dict[str, Any] = {}
    faults = []
    for name, value in content.items():
        if name == "regions":
            values["regions"] = value
        elif name == "policy":
            try:
                values["policy"] = read_policy(value, text, path.name)
            except PolicyFileError as error:
                faults += error.faults
        elif name.upper() in known:
            values[name.upper()] = value
        else:
            near = get_close_matches(name.upper(), known, 1)
            faults.append(f"{path}: {name} is no setting" + (f"; did you mean {near[0]}?" if near else ""))
    if faults:
        raise SettingsError(faults)
    return values


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "maasbot"


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings. What `maasbot run` needs is checked here, not at first use.

    Raises:
        SettingsError: one line for each fault, naming the setting.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_describe(error)) from None
    faults = [*_slack_faults(settings), *_region_faults(settings), *_database_faults(settings)]
    faults += _policy_faults(settings)
    if faults:
        raise SettingsError(faults)
    return settings


def _slack_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.slack_bot_token is None:
        faults.append("SLACK_BOT_TOKEN: missing; it is the bot token (xoxb-…) of the app's OAuth page")
    elif not settings.slack_bot_token.get_secret_value().startswith("xoxb-"):
        faults.append("SLACK_BOT_TOKEN: must begin with xoxb-")
    if settings.mode is Mode.SOCKET:
        if settings.slack_app_token is None:
            faults.append("SLACK_APP_TOKEN: missing; Socket Mode needs an app-level token (xapp-…)")
        elif not settings.slack_app_token.get_secret_value().startswith("xapp-"):
            faults.append("SLACK_APP_TOKEN: must begin with xapp-")
    elif settings.slack_signing_secret is None:
        faults.append("SLACK_SIGNING_SECRET: missing; http mode checks Slack's signature with it")
    if not re.match(r"https?://[^/\s]+", settings.slack_api_url):
        faults.append("SLACK_API_URL: must be an http or https URL")
    return faults


def _region_faults(settings: Settings) -> list[str]:
    if settings.maas_url is None and not settings.maas_host and not settings.regions:
        return ["MAAS_URL: missing; it looks like http://HOST:5240/MAAS"]
    if (settings.maas_url is not None or settings.maas_host) and "default" in settings.regions:
        name = "MAAS_URL" if settings.maas_url is not None else "MAAS_HOST"
        return [f"{name}: set, and [regions.default] as well; keep one of them"]
    try:
        regions = settings.all_regions()
    except ValidationError as error:
        return [_rename_default(line) for line in _describe(error)]
    faults = []
    for name in regions:
        try:
            settings.key_of(name)
        except ValueError as error:
            label = "MAAS_API_KEY_FILE" if name == "default" else f"regions.{name}.api_key_file"
            faults.append(f"{label}: {error}")
    return faults


def _rename_default(line: str) -> str:
    names = {"url: ": "MAAS_URL: ", "api_key: ": "MAAS_API_KEY: "}
    for field, name in names.items():
        if field in line:
            return name + line.split(field, 1)[1]
    return line


def _policy_faults(settings: Settings) -> list[str]:
    own = settings.maas_url is not None or settings.maas_host
    names = {*settings.regions, *(["default"] if own else [])}
    return misnamed(settings.policy, regions=names)


def _database_faults(settings: Settings) -> list[str]:
    if settings.database_url is None:
        return []
    if not re.match(r"(postgres(ql)?|sqlite)://", settings.database_url.get_secret_value()):
        return ["MAASBOT_DATABASE_URL: must begin with postgresql:// or sqlite:///"]
    try:
        sa.make_url(settings.database_url.get_secret_value())
    except (sa.exc.ArgumentError, ValueError):
        return ["MAASBOT_DATABASE_URL: can't be read; characters like @ : / in the password must be percent-encoded"]
    return []


def _describe(error: ValidationError) -> list[str]:
    return [_describe_one(dict(detail)) for detail in error.errors(include_input=False, include_url=False)]


def _describe_one(detail: Mapping[str, Any]) -> str:
    location = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{location}: {message[:1].lower()}{message[1:]}" if location else message
