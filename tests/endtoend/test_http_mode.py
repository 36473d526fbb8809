"""HTTP mode: the same conversation through signed requests; and the bot's own doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.endtoend.steps import CONFIRM, asked, said
from tests.support.harness import OLGA, OPS, Running, running, until


@asynccontextmanager
async def over_http(state: Path, **options: Any) -> AsyncIterator[tuple[Running, str]]:
    """A bot in HTTP mode, its address set as the app's request URL."""
    async with running(state, settings={"MAASBOT_MODE": "http"}, **options) as it:
        assert it.bot.web is not None
        base = f"http://127.0.0.1:{it.bot.web.port}"
        it.world.workspace.app.delivery = "http"
        it.world.workspace.app.request_url = f"{base}/slack/events"
        yield it, base


async def _get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


async def test_the_whole_conversation(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (it, _):
        workspace = it.world.workspace
        assert await workspace.courier.http.verify_url(), "url_verification"
        assert not workspace.courier.hub.sockets, "no socket is opened"
        assert "MAAS 3.4.10 is up" in said(await it.talk.ask("status"))
        plan = await it.talk.mention("commission node-3")
        await it.talk.click(plan, CONFIRM)
        await it.talk.reads(plan, "Commissioned node-3")
        assert asked(it, "node-3") == 1
        assert (await workspace.slash(OLGA, OPS, "")).ok
        view = await until(lambda: workspace.views(OLGA))
        await until(lambda: "form.machine" in str(workspace.views(OLGA)[-1].blocks))
        found = await workspace.options(OLGA, view[-1].ref, "form.machine", query="node-3")
        assert [one["text"]["text"] for one in found] == ["node-3  Ready"]


async def test_a_bad_signature_is_refused_and_does_nothing(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (it, base):
        workspace = it.world.workspace
        workspace.faults.set("bad-signature")
        outcome = await workspace.slash(OLGA, OPS, "status")
        assert outcome.ack.status == 401
        calls = len(workspace.calls)
        async with aiohttp.ClientSession() as session:
            for headers in ({}, {"X-Slack-Signature": "v0=00", "X-Slack-Request-Timestamp": "1"}):
                async with session.post(
                    f"{base}/slack/events", data=b"command=%2Fmaas&text=status", headers=headers
                ) as answer:
                    assert answer.status == 401
            async with session.post(f"{base}/slack/events", data=b"x" * 2_000_000) as answer:
                assert answer.status in {401, 413}
        assert len(workspace.calls) == calls
        workspace.faults.clear()
        assert "is up" in said(await it.talk.ask("status"))


async def test_health_readiness_and_metrics(tmp_path: Path) -> None:
    async with over_http(tmp_path) as (it, base):
        assert await _get(f"{base}/healthz") == (200, '{"status": "alive"}')
        assert (await _get(f"{base}/readyz"))[0] == 200
        it.world.region.faults.set("down")

        async def not_ready() -> str:
            status, text = await _get(f"{base}/readyz")
            return text if status == 503 else ""

        text = ""
        for _ in range(100):
            if text := await not_ready():
                break
        assert "no region answers" in text
        assert (await _get(f"{base}/healthz"))[0] == 200, "alive all the same"
        await it.talk.ask("whoami")
        status, metrics = await _get(f"{base}/metrics")
        assert status == 200
        assert 'maasbot_region_up{region="default"} 0.0' in metrics
        assert 'maasbot_commands_total{command="whoami",outcome="answered"} 1.0' in metrics
        assert "maasbot_maas_calls_total" in metrics and "maasbot_slack_calls_total" in metrics
        it.world.region.faults.clear()
        await until(lambda: it.bot.regions["default"].watcher.availability.up, 40)
        assert (await _get(f"{base}/readyz"))[0] == 200


async def test_the_slack_door_is_shut_in_socket_mode(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert it.bot.web is not None
        base = f"http://127.0.0.1:{it.bot.web.port}"
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{base}/slack/events", data=b"x") as answer,
        ):
            assert answer.status == 404
        it.world.workspace.faults.set("refuse-socket", seconds=3)
        it.world.workspace.faults.set("disconnect", mode="abrupt")
        for _ in range(200):
            status, text = await _get(f"{base}/readyz")
            if status == 503:
                break
        assert status == 503 and "Slack is not connected" in text
        await it.world.workspace.app_connected(30)
        await until(lambda: it.world.workspace.courier.hub.sockets, 30)
        assert "is up" in said(await it.talk.ask("status"))
