"""What the bot is measured beside: a bare Bolt app whose listener only acks. `python -m bench.bare http|socket`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient


def build() -> AsyncApp:
    """An app as Bolt's own first example has it."""
    client = AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"])
    app = AsyncApp(client=client, token=client.token, signing_secret=os.environ["SLACK_SIGNING_SECRET"])

    async def on_command(ack: AsyncAck) -> None:
        await ack()

    app.command(re.compile(r"/.+"))(on_command)
    return app


async def main(mode: str) -> None:
    """Serve until killed. Prints one line when it takes commands."""
    app = build()
    if mode == "socket":
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"], web_client=app.client)
        await handler.connect_async()
        print(json.dumps({"ready": True}), flush=True)
        await asyncio.Event().wait()

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.add_routes([web.post("/slack/events", events)])
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
