"""The bot's own HTTP doors: health, readiness, metrics; and Slack's in HTTP mode."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from bot.telemetry import Metrics

#: Names what is not well, one reason each; empty when the bot can serve.
Reasons = Callable[[], Awaitable[list[str]]]


class WebServer:
    """One aiohttp server. It is the first thing up, so that an orchestrator sees life while Slack is being reached."""

    def __init__(self, host: str, port: int, metrics: Metrics) -> None:
        self._host = host
        self._port = port
        self._metrics = metrics
        self._reasons: Reasons = _starting
        self._slack: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address is taken or not ours; says which settings name it.
        """
        app = web.Application(client_max_size=2**20)
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/readyz", self._ready),
                web.get("/metrics", self._figures),
                web.post("/slack/events", self._events),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except OSError as error:
            why = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else "no such address"
            where = f"{self._host}:{self._port}"
            raise OSError(f"MAASBOT_HTTP_HOST, MAASBOT_HTTP_PORT: can't listen on {where}: {why}") from None

    @property
    def port(self) -> int:
        """The port in fact: with port 0 the system chose it."""
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    def starts(self, doing: str) -> None:
        """Not ready yet: tell what the start is at."""

        async def reasons() -> list[str]:
            return [f"starting: {doing}"]

        self._reasons = reasons

    def serve(self, reasons: Reasons, slack: Sequence[web.RouteDef]) -> None:
        """The bot is built: answer readiness truly, and take Slack's requests if `slack` has a route for them."""
        self._reasons = reasons
        for route in slack:
            self._slack = route.handler

    async def stop(self) -> None:
        """Stop listening; requests under way are finished."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _ready(self, _request: web.Request) -> web.Response:
        reasons = await self._reasons()
        status = {"status": "ready"} if not reasons else {"status": "not ready", "reasons": reasons}
        return web.json_response(status, status=503 if reasons else 200)

    async def _figures(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._slack is None:
            raise web.HTTPNotFound(text="this bot gets its events over Socket Mode, or is still starting")
        return await self._slack(request)


async def _starting() -> list[str]:
    return ["starting"]
