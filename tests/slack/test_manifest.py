"""The manifest obeys Slack's rules, and says what the bot needs and nothing more."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import cli
from bot.slack.manifest import (
    SCOPES,
    CommandDoc,
    ManifestError,
    build_manifest,
    check,
    drift,
    to_yaml,
    usage_hint,
)
from sandbox.slack.workspace import Workspace

COMMANDS = (
    CommandDoc("status", "status", "What the region is doing"),
    CommandDoc("commission", "commission NAME… [--enable-ssh]", "Commission machines"),
)


def test_socket_mode() -> None:
    manifest = build_manifest(COMMANDS)
    (slash,) = manifest["features"]["slash_commands"]
    assert slash["usage_hint"] == "status | commission NAME… [--enable-ssh]"
    assert slash["should_escape"] is True
    assert manifest["oauth_config"]["scopes"] == {"bot": list(SCOPES)}
    assert not {"chat:write.public", "channels:history"} & set(SCOPES)
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["features"]["app_home"]["messages_tab_enabled"] is False
    assert "url" not in yaml.safe_dump(manifest)


def test_http_mode_has_one_address_for_everything() -> None:
    url = "https://bot.example/slack/events"
    manifest = build_manifest(COMMANDS, request_url=url)
    assert yaml.safe_dump(manifest).count(url) == 4
    assert manifest["settings"]["socket_mode_enabled"] is False


def test_the_stand_in_loads_it() -> None:
    workspace = Workspace()
    workspace.app.load_manifest(build_manifest(COMMANDS))
    assert workspace.app.commands["/maas"].usage_hint.startswith("status")


def test_a_long_command_table_is_cut_at_a_command() -> None:
    commands = [CommandDoc(f"c{n}", f"command-{n} NAME…", "x") for n in range(200)]
    hint = usage_hint(commands)
    assert len(hint) <= 1000
    assert hint.endswith(" | help")
    assert hint.removesuffix(" | help").split(" | ") == [c.usage for c in commands[: hint.count(" | ")]]
    check(build_manifest(commands))


def test_what_is_cut_first_is_the_options() -> None:
    commands = [CommandDoc(f"c{n}", f"c{n} NAME… [KIND] [--at-once …] [--{'x' * 20}]", "x") for n in range(30)]
    assert usage_hint(commands) == " | ".join(f"c{n} NAME… [KIND]" for n in range(30)) + " | help"


def test_no_commands() -> None:
    assert usage_hint([]) == "help"


def test_drift() -> None:
    manifest = build_manifest(COMMANDS)
    assert not drift(manifest, to_yaml(manifest))
    assert drift(manifest, to_yaml(build_manifest(COMMANDS[:1])))
    with pytest.raises(ManifestError, match="not YAML"):
        drift(manifest, "a: [")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("display_information.name", "x" * 36),
        ("display_information.name", ""),
        ("display_information.description", "x" * 141),
        ("display_information.background_color", "red"),
        ("display_information.long_description", "too short"),
        ("features.slash_commands.0.command", "maas"),
        ("features.slash_commands.0.command", "/" + "x" * 32),
        ("features.slash_commands.0.usage_hint", "x" * 1001),
        ("features.slash_commands.0.url", "https://bot.example/"),
        ("features.slash_commands.0.should_escape", "yes"),
        ("features.slash_commands", []),
        ("features.bot_user.display_name", "x" * 81),
        ("features.nonsense", {}),
        (
            "features.shortcuts",
            [{"name": "x" * 25, "type": "global", "callback_id": "c", "description": "d"}],
        ),
        ("oauth_config.scopes.bot", ["chat:write", "chat:write"]),
        ("oauth_config.scopes.bot", ["chat write"]),
        ("settings.event_subscriptions.bot_events", ["app_mention", "app_mention"]),
        ("settings.interactivity.is_enabled", None),
        ("settings.socket_mode_enabled", False),
    ],
)
def test_what_slack_would_refuse(path: str, value: Any) -> None:
    manifest = copy.deepcopy(build_manifest(COMMANDS))
    *way, last = path.split(".")
    place: Any = manifest
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    with pytest.raises(ManifestError) as refused:
        check(manifest)
    assert refused.value.problems


def test_names_that_slack_would_refuse_are_refused_here() -> None:
    with pytest.raises(ManifestError, match=r"display_information\.name"):
        build_manifest(COMMANDS, name="x" * 36)


def test_a_file_that_is_no_text_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "manifest.yml"
    file.write_bytes(b"\xff\xfe\x00")
    assert cli.manifest(check=file) == 1
    assert "differs from the command table" in capsys.readouterr().err
