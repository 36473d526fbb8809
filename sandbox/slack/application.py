"""The app as the workspace has it installed: ids, tokens, scopes, commands and where deliveries go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

#: The scopes that the app is installed with unless a manifest says otherwise.
DEFAULT_SCOPES = (
    "app_mentions:read",
    "chat:write",
    "commands",
    "files:read",
    "files:write",
    "usergroups:read",
    "users:read",
)


@dataclass(slots=True)
class SlashCommand:
    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = True
    url: str = ""


@dataclass(slots=True)
class AppConfig:
    """One installed app.

    `delivery` is `socket` (Socket Mode) or `http` (signed POSTs to `request_url`). `scopes` are the bot
    token's, `app_scopes` the app-level token's.
    """

    app_id: str = "A0MAASBOT"
    bot_user_id: str = "U0MAASBOT"
    bot_id: str = "B0MAASBOT"
    name: str = "maas"
    display_name: str = "MAAS"
    bot_token: str = "xoxb-0000000000-stand-in-bot"
    app_token: str = "xapp-1-A0MAASBOT-stand-in-app"
    signing_secret: str = "stand-in-signing-secret-0123456789"
    verification_token: str = "stand-in-verification"
    delivery: Literal["socket", "http"] = "socket"
    request_url: str = ""
    scopes: set[str] = field(default_factory=lambda: set(DEFAULT_SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    bot_events: set[str] = field(default_factory=lambda: {"app_mention", "app_home_opened"})
    commands: dict[str, SlashCommand] = field(
        default_factory=lambda: {
            "/maas": SlashCommand("/maas", "Bare metal: status, commissioning, approvals", "status | commission node-3")
        }
    )
    shortcuts: list[dict[str, Any]] = field(default_factory=list)
    interactivity: bool = True
    home_tab: bool = True
    messages_tab: bool = True
    changed: Callable[[], None] = field(default=lambda: None, repr=False, compare=False)

    def load_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Take over names, commands, shortcuts, scopes, events and tabs from an app manifest.

        Tokens, ids and the delivery mode stay: they belong to the installation. A manifest that turns
        Socket Mode off and names a request URL does switch the delivery to it.
        """
        features = manifest.get("features", {})
        settings = manifest.get("settings", {})
        information = manifest.get("display_information", {})
        self.display_name = str(information.get("name", self.display_name))
        self.name = _handle(str(features.get("bot_user", {}).get("display_name", self.name)))
        self.commands = {
            str(entry["command"]): SlashCommand(
                str(entry["command"]),
                str(entry.get("description", "")),
                str(entry.get("usage_hint", "")),
                bool(entry.get("should_escape", False)),
                str(entry.get("url", "")),
            )
            for entry in features.get("slash_commands", [])
        }
        self.shortcuts = list(features.get("shortcuts", []))
        home = features.get("app_home", {})
        self.home_tab = bool(home.get("home_tab_enabled", False))
        self.messages_tab = bool(home.get("messages_tab_enabled", True))
        self.scopes = set(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", []))
        events = settings.get("event_subscriptions", {})
        self.bot_events = set(events.get("bot_events", []))
        interactivity = settings.get("interactivity", {})
        self.interactivity = bool(interactivity.get("is_enabled", False))
        if not settings.get("socket_mode_enabled", True):
            url = events.get("request_url") or interactivity.get("request_url")
            if url:
                self.delivery, self.request_url = "http", str(url)
        self.changed()


def _handle(display_name: str) -> str:
    """What people type after `@`: Slack drops capitals, spaces and signs."""
    return "".join(letter for letter in display_name.lower() if letter.isalnum() or letter in "-_.")
