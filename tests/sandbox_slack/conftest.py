"""A workspace on a real socket, and real Slack clients on the other end."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackServer, Workspace


class Clock:
    """Time that moves only when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Bolt:
    """A real Bolt app, connected to the workspace in one of the two ways."""

    workspace: Workspace
    app: AsyncApp
    handlers: list[AsyncSocketModeHandler] = field(default_factory=list)
    runners: list[web.AppRunner] = field(default_factory=list)

    async def connect(self, sockets: int = 1) -> None:
        for _ in range(sockets):
            handler = AsyncSocketModeHandler(self.app, self.workspace.app.app_token, ping_interval=0.5)
            self.handlers.append(handler)
            await handler.connect_async()
        await self.workspace.app_connected()

    async def listen(self) -> None:
        runner = web.AppRunner(self.app.server(path="/slack/events").web_app)
        self.runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.workspace.app.delivery = "http"
        self.workspace.app.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"

    async def close(self) -> None:
        for handler in self.handlers:
            await handler.close_async()
        for runner in self.runners:
            await runner.cleanup()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def workspace() -> Workspace:
    workspace = Workspace()
    workspace.timing.event_retries = (0.05, 0.05, 0.05)
    workspace.timing.refresh_grace = 0.1
    return workspace


@pytest.fixture
async def server(workspace: Workspace) -> AsyncIterator[SlackServer]:
    server = SlackServer(workspace)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def client(server: SlackServer) -> AsyncWebClient:
    return AsyncWebClient(token=server.workspace.app.bot_token, base_url=server.api_url)


@pytest.fixture
async def bolt(server: SlackServer, client: AsyncWebClient) -> AsyncIterator[Bolt]:
    app = AsyncApp(client=client, signing_secret=server.workspace.app.signing_secret)
    bolt = Bolt(server.workspace, app)
    yield bolt
    await bolt.close()


@pytest.fixture
def granted(workspace: Workspace) -> Callable[..., None]:
    """Install the app with further scopes."""

    def grant(*scopes: str) -> None:
        workspace.app.scopes.update(scopes)

    return grant
