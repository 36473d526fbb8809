"""`maasbot run` as a process: how it ends, what it says when it can't begin, and what its log never holds."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.demo import World
from tests.endtoend.steps import CONFIRM, said
from tests.support.harness import OLGA, OPS, Talk, until
from tests.support.process import BotProcess


@asynccontextmanager
async def world_of(state: Path, speed: float = 20.0) -> AsyncIterator[World]:
    world = World.build(state, speed=speed, strict_timing=False)
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


async def maasbot(environment: dict[str, str]) -> tuple[int, str]:
    """Run the real command until it ends by itself; returns the exit code and what it wrote to standard error."""
    base = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAAS"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "run",
        env={**base, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, errors.decode()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SLACK_BOT_TOKEN": ""}, ["SLACK_BOT_TOKEN"]),
        ({"SLACK_BOT_TOKEN": "xoxp-secret-value"}, ["SLACK_BOT_TOKEN"]),
        (
            {"MAASBOT_MODE": "carrier-pigeon", "MAASBOT_APPROVAL_TTL": "0h", "MAASBOT_HTTP_PORT": "99999"},
            ["MAASBOT_MODE", "MAASBOT_APPROVAL_TTL", "MAASBOT_HTTP_PORT"],
        ),
        (
            {"MAAS_API_KEY": "only-one-secret-part", "SLACK_APP_TOKEN": "secret"},
            ["MAAS_API_KEY", "SLACK_APP_TOKEN"],
        ),
        ({"MAASBOT_OPERATORS": "olga"}, ["MAASBOT_OPERATORS"]),
        ({"MAAS_URL": "maas.example"}, ["MAAS_URL"]),
        ({"MAAS_URL": "http://admin:secret@maas.example:5240/MAAS"}, ["MAAS_URL"]),
        ({"MAASBOT_CONFIG": "/nowhere/maasbot.toml"}, ["MAASBOT_CONFIG"]),
    ],
)
async def test_wrong_settings(tmp_path: Path, changes: dict[str, str], named: list[str]) -> None:
    async with world_of(tmp_path) as world:
        code, errors = await maasbot({**world.environment(), **changes})
        assert code == 2
        lines = errors.strip().splitlines()
        for name in named:
            assert len([line for line in lines if name in line]) == 1, errors
        assert "secret" not in errors
        assert "Traceback" not in errors


async def test_credentials_that_are_not_accepted(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        good = world.environment()
        cases = [
            ({"SLACK_BOT_TOKEN": "xoxb-wrong-0000"}, ["SLACK_BOT_TOKEN", "invalid_auth"]),
            ({"SLACK_APP_TOKEN": "xapp-wrong-0000"}, ["SLACK_APP_TOKEN"]),
            ({"MAAS_API_KEY": "aaaaaaaaaaaa:bbbbbbbbbbbb:cccccccccccc"}, ["default", "MAAS_API_KEY"]),
        ]
        for changes, parts in cases:
            started = time.monotonic()
            code, errors = await maasbot({**good, **changes})
            assert code == 3, errors
            assert all(part in errors for part in parts), errors
            assert time.monotonic() - started < 15, "no endless retry"
            assert "Traceback" not in errors and "cccccccccccc" not in errors and "wrong-0000" not in errors
        world.workspace.faults.set("revoke-token")
        code, errors = await maasbot(good)
        assert code == 3 and "token_revoked" in errors and "install" in errors


async def test_a_state_directory_that_can_t_be_used(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        blocked = tmp_path / "file"
        blocked.write_text("")
        code, errors = await maasbot({**world.environment(), "MAASBOT_STATE_DIR": str(blocked / "state")})
        assert code == 2
        assert errors.startswith("MAASBOT_STATE_DIR: ") and len(errors.splitlines()) == 1
        broken = tmp_path / "broken"
        broken.mkdir()
        (broken / "maasbot.sqlite").write_text("this is no database" * 100)
        code, errors = await maasbot({**world.environment(), "MAASBOT_STATE_DIR": str(broken)})
        assert code == 1
        assert "Can't start" in errors and "Traceback" not in errors


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = taken.sockets[0].getsockname()[1]
        code, errors = await maasbot({**world.environment(), "MAASBOT_HTTP_PORT": str(port)})
        taken.close()
        assert code == 1
        assert "MAASBOT_HTTP_PORT" in errors and "in use" in errors and "Traceback" not in errors


async def test_a_token_revoked_while_it_runs(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        bot = BotProcess(world.environment(), tmp_path / "bot.log")
        await bot.start()
        try:
            world.workspace.faults.set("revoke-token")
            await world.workspace.slash(OLGA, OPS, "commission node-3")
            assert await bot.gone() == 3
            log = bot.log.read_text()
            assert "SLACK_BOT_TOKEN" in log and "token_revoked" in log
            assert "install" in log.partition("token_revoked:")[2], "the remedy"
        finally:
            bot.kill()


async def test_sigterm_in_the_middle_of_work(tmp_path: Path) -> None:
    async with world_of(tmp_path, speed=5.0) as world:
        bot = BotProcess(world.environment(), tmp_path / "bot.log")
        await bot.start()
        try:
            talk = Talk(world)
            root = await talk.ask("commission node-3 node-7 node-2")
            await talk.click(root, CONFIRM)
            await until(lambda: world.region.effects["commission", world.region.world.machine("node-3").system_id])
            started = time.monotonic()
            assert await bot.terminate() == 0
            assert time.monotonic() - started < 10
            assert "Traceback" not in bot.log.read_text()
        finally:
            bot.kill()


async def test_no_secret_is_written_down_or_said(tmp_path: Path) -> None:
    """After refused keys, refused tokens and everything else that might quote one."""
    async with world_of(tmp_path) as world:
        bot = BotProcess(world.environment(), tmp_path / "bot.log", log_level="debug")
        await bot.start()
        talk = Talk(world)
        try:
            plan = await talk.ask("commission node-3")
            world.region.faults.set("unauthorized")
            assert "API key" in said(await talk.ask("commission node-7"))
            await talk.click(plan, CONFIRM)
            await asyncio.sleep(1.0)
            await talk.ask("status")
            await talk.ask("machine node-8")
            world.region.faults.clear()
            await talk.reads(plan, "1 of 1", timeout=40)
            await talk.ask("machine node-8")
            world.workspace.faults.set("missing-scope", scope="chat:write")
            await talk.ask("commission node-7", timeout=30)
            world.workspace.faults.clear()
        finally:
            await bot.terminate()
            bot.kill()
        secrets = [
            world.workspace.app.bot_token,
            world.workspace.app.app_token,
            world.workspace.app.signing_secret,
        ]
        secrets += world.region.api_key.split(":")
        secrets += ["oauth_signature", "Expected signature base string", "xZ8qLr3v"]
        places = {"log": bot.log.read_text(errors="replace")}
        for file in (tmp_path / "bot").rglob("*"):
            if file.is_file():
                places[str(file)] = file.read_bytes().decode("latin-1")
        places["calls"] = str([(call.method, call.args, call.answer) for call in world.workspace.calls])
        places["messages"] = str([world.workspace.messages(OPS, user) for user in world.workspace.users])
        assert places["log"].count("\n") > 20, "the log was written"
        for place, text in places.items():
            for secret in secrets:
                assert secret not in text, f"{secret[:6]}… in {place}"


async def test_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with world_of(tmp_path) as world:
        bot = BotProcess(world.environment(), tmp_path / "bot.log")
        await bot.start()
        await bot.terminate()
        folder = tmp_path / "bot"
        assert folder.stat().st_mode & 0o077 == 0
        sqlite3.connect(folder / "maasbot.sqlite").execute("pragma integrity_check").fetchone()
