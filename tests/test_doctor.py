"""`maasbot doctor` holds every setting against the world, and names what to do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from bot.doctor import examine
from sandbox.demo import World


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World.build(tmp_path, strict_timing=False)
    await world.start()
    yield world
    await world.stop()


async def findings(world: World, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    code = await examine(world.settings(), as_json=True)
    return code, {one["what"]: one for one in json.loads(capsys.readouterr().out)}


async def test_all_is_well(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = await findings(world, capsys)
    assert code == 0
    assert all(one["well"] and not one["remedy"] for one in found.values())
    assert found["region default"]["found"] == "MAAS 3.4.10, key of admin"
    assert "T0MAAS" in found["Slack"]["found"]


async def test_a_bad_slack_token(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.extra = {"SLACK_BOT_TOKEN": "xoxb-wrong"}
    code, found = await findings(world, capsys)
    assert code == 1
    assert "SLACK_BOT_TOKEN" in found["Slack"]["found"]
    assert "xoxb-wrong" not in json.dumps(found)


async def test_a_missing_scope(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.workspace.app.scopes = set(world.workspace.app.scopes) - {"files:write"}
    code, found = await findings(world, capsys)
    assert code == 1
    assert "files:write" in found["Slack scopes"]["found"]


async def test_a_key_without_rights_and_a_key_that_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.extra = {"MAAS_API_KEY": world.region.operator_api_key}
    code, found = await findings(world, capsys)
    assert code == 1
    assert "no administrator" in found["region default, rights"]["found"]
    consumer, token, secret = world.region.api_key.split(":")
    world.extra = {"MAAS_API_KEY": f"{consumer}:{token}:wrongwrong"}
    code, found = await findings(world, capsys)
    assert code == 1
    assert not found["region default"]["well"]
    assert secret not in json.dumps(found)


async def test_a_region_that_is_down(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.region.faults.set("down")
    code, found = await findings(world, capsys)
    assert code == 1
    assert found["region default"]["remedy"]


async def test_the_hosts_key(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, other = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=[key])
    port = server.sockets[0].getsockname()[1]
    known, mine = tmp_path / "known_hosts", tmp_path / "id"
    mine.write_text("a key")
    pinned = {"MAAS_HOST": "127.0.0.1", "MAAS_SSH_PORT": str(port), "MAAS_SSH_KEY_FILE": str(mine)}
    world.extra = {**pinned, "MAAS_SSH_KNOWN_HOSTS": str(known)}
    what = "host of region default"
    try:
        known.write_text("")
        assert "is not pinned yet" in (await findings(world, capsys))[1][what]["found"]
        known.write_bytes(f"[127.0.0.1]:{port} ".encode() + other.export_public_key())
        code, found = await findings(world, capsys)
        assert code == 1
        assert "has CHANGED" in found[what]["found"]
        assert key.get_fingerprint() in found[what]["remedy"]
        known.write_bytes(f"[127.0.0.1]:{port} ".encode() + key.export_public_key())
        code, found = await findings(world, capsys)
        assert (code, found[what]["well"]) == (1, True)
        assert "no private key" in found[f"{what}, helper"]["found"]
    finally:
        server.close()


async def test_the_hosts_helper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bot's user may come in, sudo lets it run the helper, and both speak the same protocol."""
    world = World.build(tmp_path, strict_timing=False, host=True)
    await world.start()
    assert world.host is not None
    what = "host of region default, helper"
    try:
        code, found = await findings(world, capsys)
        assert (code, found[what]["well"]) == (0, True)
        assert "on maas-host, where sudo lets the bot run it" in found[what]["found"]
        for fault, (told, remedy) in {
            "sudo-password": ("sudo on the host does not let", "install-script"),
            "helper-missing": ("is not on the host", "install-script"),
            "helper-changed": ("not the program that this bot installs", "who changed it"),
            "helper-old": ("speaks protocol 99", "install-script"),
            "key-refused": ("does not let maasbot in", "authorized_keys"),
        }.items():
            world.host.faults.set(fault)
            code, found = await findings(world, capsys)
            assert (code, found[what]["well"]) == (1, False)
            assert told in found[what]["found"]
            assert remedy in found[what]["remedy"]
            world.host.faults.clear()
    finally:
        await world.stop()


async def test_a_region_whose_maas_is_yet_to_be_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = World.build(tmp_path, strict_timing=False, bare=True)
    await world.start()
    try:
        code, found = await findings(world, capsys)
        assert code == 1
        assert "/maas install" in found["region default"]["remedy"]
        assert found["host of region default, helper"]["well"]
    finally:
        await world.stop()


async def test_a_state_directory_that_can_not_be_written(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    (world.state / "file").write_text("")
    world.extra = {"MAASBOT_STATE_DIR": str(world.state / "file" / "bot")}
    code, found = await findings(world, capsys)
    assert code == 1
    assert "MAASBOT_STATE_DIR" in found["storage"]["remedy"]
