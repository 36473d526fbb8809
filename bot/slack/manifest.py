"""The Slack app's manifest, made from the command table, and the rules that Slack has for it.

The rules are those of Slack's published manifest schema (slackapi/manifest-schema, version 2.0.0) for the
parts that the bot uses, and two that Slack documents elsewhere: with Socket Mode nothing has a URL, without
it events, interactivity and commands need one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

#: What the bot needs and nothing more; reading channels' history is not among it.
SCOPES: Final = (
    "app_mentions:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "usergroups:read",
    "users:read",
)
EVENTS: Final = ("app_home_opened", "app_mention")
_HINT: Final = 1_000
_OPTION: Final = re.compile(r" \[--[^\]]*\]")


@dataclass(frozen=True, slots=True)
class CommandDoc:
    """One command as the manifest needs it: `usage` is its words without `/maas`."""

    name: str
    usage: str
    summary: str


class ManifestError(ValueError):
    """The manifest breaks a rule of Slack's. `problems` has one line for each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


def build_manifest(
    commands: Sequence[CommandDoc],
    *,
    name: str = "MAAS",
    command: str = "/maas",
    description: str = "Bare metal from Slack: status, commissioning, approvals",
    background_color: str = "#772953",
    request_url: str | None = None,
    direct_messages: bool = False,
) -> dict[str, Any]:
    """The manifest as Slack takes it, by `apps.manifest.create` or pasted in.

    Args:
        commands: the command table; as many usages as fit become the slash command's hint.
        name: the app's name, at most 35 characters.
        command: the slash command.
        description: what the app is, at most 140 characters.
        background_color: behind the app's card.
        request_url: the bot's `/slack/events` in HTTP mode; None for Socket Mode.
        direct_messages: whether people may get direct messages from the app (they can't write any).

    Raises:
        ManifestError: Slack would refuse it.
    """
    url = {} if request_url is None else {"request_url": request_url}
    slash: dict[str, Any] = {
        "command": command,
        **({} if request_url is None else {"url": request_url}),
        "description": description,
        "usage_hint": usage_hint(commands),
        "should_escape": True,
    }
    manifest: dict[str, Any] = {
        "display_information": {
            "name": name,
            "description": description,
            "background_color": background_color,
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": direct_messages,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": name.lower(), "always_online": True},
            "slash_commands": [slash],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**url, "bot_events": list(EVENTS)},
            "interactivity": {
                "is_enabled": True,
                **url,
                **({} if request_url is None else {"message_menu_options_url": request_url}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": request_url is None,
            "token_rotation_enabled": False,
        },
    }
    check(manifest)
    return manifest


def usage_hint(commands: Sequence[CommandDoc]) -> str:
    """The usages of as many commands as fit into Slack's 1,000 characters, and how to see the others.

    Where all of them are too long together, their options are left to help.
    """
    usages = [" ".join(command.usage.split()) or command.name for command in commands]
    whole = " | ".join(usages)
    if 0 < len(whole) <= _HINT:
        return whole
    usages = [_OPTION.sub("", usage) for usage in usages]
    rest = " | help"
    hint = ""
    for usage in usages:
        longer = f"{hint} | {usage}" if hint else usage
        if len(longer) + len(rest) > _HINT:
            break
        hint = longer
    return hint + rest if hint else "help"


def to_yaml(manifest: dict[str, Any]) -> str:
    """The manifest as the text of manifest.yml."""
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=100)


def drift(manifest: dict[str, Any], text: str) -> bool:
    """Whether the text of a manifest.yml says something else than the manifest.

    Raises:
        ManifestError: the text is not YAML.
    """
    try:
        return bool(yaml.safe_load(text) != manifest)
    except yaml.YAMLError as error:
        raise ManifestError([f"not YAML: {str(error).splitlines()[0]}"]) from None


def check(manifest: dict[str, Any]) -> None:
    """Hold a manifest against Slack's rules for what the bot uses.

    Raises:
        ManifestError: it breaks some, or uses parts of manifests that the bot has no use for.
    """
    try:
        _Manifest.model_validate(manifest)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc'])) or 'manifest'}: {one['msg']}" for one in error.errors()]
        raise ManifestError(problems) from None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _text(least: int, most: int, pattern: str | None = None) -> Any:
    return StringConstraints(min_length=least, max_length=most, pattern=pattern)


_HTTPS: Final = r"^https?://"
_Url = Annotated[str, _text(8, 3_000, _HTTPS)]
_LongUrl = Annotated[str, _text(8, 3_500, _HTTPS)]
_Word = Annotated[str, _text(1, 50)]


class _DisplayInformation(_Part):
    name: Annotated[str, _text(1, 35)]
    description: Annotated[str, _text(1, 140)] | None = None
    long_description: Annotated[str, _text(175, 4_000)] | None = None
    background_color: Annotated[str, _text(4, 7, r"^#[0-9a-fA-F]{3}([0-9a-fA-F]{3})?$")] | None = None


class _AppHome(_Part):
    home_tab_enabled: bool = False
    messages_tab_enabled: bool = False
    messages_tab_read_only_enabled: bool = False


class _BotUser(_Part):
    display_name: Annotated[str, _text(1, 80)]
    always_online: bool = False


class _SlashCommand(_Part):
    command: Annotated[str, _text(2, 32, r"^/[a-z0-9_-]+$")]
    description: Annotated[str, _text(1, 2_000)]
    url: _Url | None = None
    usage_hint: Annotated[str, _text(1, _HINT)] | None = None
    should_escape: bool = False


class _Shortcut(_Part):
    name: Annotated[str, _text(1, 24)]
    type: Annotated[str, StringConstraints(pattern="^(message|global)$")]
    callback_id: Annotated[str, _text(1, 255)]
    description: Annotated[str, _text(1, 150)]


class _Features(_Part):
    app_home: _AppHome
    bot_user: _BotUser
    slash_commands: list[_SlashCommand]
    shortcuts: list[_Shortcut] | None = None

    @model_validator(mode="after")
    def _numbers(self) -> _Features:
        if not 1 <= len(self.slash_commands) <= 50:
            raise ValueError("1 to 50 slash commands")
        if self.shortcuts is not None and not 1 <= len(self.shortcuts) <= 10:
            raise ValueError("1 to 10 shortcuts")
        return self


class _Scopes(_Part):
    bot: list[_Word]

    @model_validator(mode="after")
    def _sane(self) -> _Scopes:
        strange = [scope for scope in self.bot if not re.fullmatch(r"[a-z_.]+(:[a-z_.]+)*", scope)]
        if strange or len(self.bot) > 255 or len(set(self.bot)) != len(self.bot):
            raise ValueError("at most 255 scopes, each once")
        return self


class _OAuthConfig(_Part):
    scopes: _Scopes


class _EventSubscriptions(_Part):
    request_url: _LongUrl | None = None
    bot_events: list[_Word]

    @model_validator(mode="after")
    def _unique(self) -> _EventSubscriptions:
        if len(self.bot_events) > 100 or len(set(self.bot_events)) != len(self.bot_events):
            raise ValueError("at most 100 events, each once")
        return self


class _Interactivity(_Part):
    is_enabled: bool
    request_url: _LongUrl | None = None
    message_menu_options_url: _LongUrl | None = None


class _Settings(_Part):
    event_subscriptions: _EventSubscriptions
    interactivity: _Interactivity
    org_deploy_enabled: bool = False
    socket_mode_enabled: bool = False
    token_rotation_enabled: bool = False


class _Manifest(_Part):
    display_information: _DisplayInformation
    features: _Features
    oauth_config: _OAuthConfig
    settings: _Settings

    @model_validator(mode="after")
    def _addresses(self) -> _Manifest:
        urls = [
            self.settings.event_subscriptions.request_url,
            self.settings.interactivity.request_url,
            *(command.url for command in self.features.slash_commands),
        ]
        if self.settings.socket_mode_enabled and any(urls):
            raise ValueError("with Socket Mode nothing has a URL")
        if not self.settings.socket_mode_enabled and not all(urls):
            raise ValueError("without Socket Mode events, interactivity and every command need a URL")
        return self
