"""kill -9 in the middle of everything: the next process ends what the first one began."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from bot.message import say
from tests.slack.conftest import CHANNEL, Bench, until

PROGRAM = """
import asyncio, sys
from slack_sdk.web.async_client import AsyncWebClient
from bot.message import say
from bot.slack.outbound import Outbound
from bot.storage import Database

async def main(token, base_url, path, channel):
    outbound = Outbound(AsyncWebClient(token=token, base_url=base_url), Database("sqlite:///" + path))
    await outbound.post(channel, say("running"), key="op-1")
    print("posted", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    outbound.show("op-1", say("done"), final=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.chaos
@pytest.mark.parametrize("speed", [1.0])
async def test_a_final_state_outlives_kill_9(bench: Bench) -> None:
    path = str(bench.database.url.database)
    words = (bench.workspace.app.bot_token, bench.server.api_url, path, CHANNEL)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert await process.stdout.readline() == b"posted\n"
    bench.workspace.faults.set("server-error", method="chat.update", times=0)
    process.stdin.write(b"\n")
    await until(lambda: bench.calls("chat.update"))
    process.send_signal(signal.SIGKILL)
    await process.wait()
    bench.workspace.faults.clear()
    assert [message.text for message in bench.posted()] == ["running"]
    outbound = bench.writer()
    assert await outbound.resume() == 1
    await outbound.post(CHANNEL, say("running"), key="op-1")
    await outbound.close(5)
    assert [message.text for message in bench.posted()] == ["done"]
