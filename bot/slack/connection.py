"""The way in from Slack: Socket Mode or HTTP, through the same listeners; and the check of the credentials."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.signed import is_from_slack

#: Answers of Slack after which trying again is pointless, and what helps.
FATAL = {
    "invalid_auth": "the token is not valid; copy it again from the app's pages",
    "not_authed": "no token was sent",
    "account_inactive": "the app was removed from the workspace, or its bot user deactivated; install it again",
    "token_revoked": "the token was revoked; install the app again",
    "token_expired": "the token has expired; install the app again",
    "missing_scope": "the app lacks a scope; compare it with 'maasbot manifest' and install it again",
    "not_allowed_token_type": "this is another kind of token than the setting needs",
    "no_permission": "the token's app may not do this; install it again",
    "org_login_required": "the workspace is being moved into an organisation",
    "ekm_access_denied": "an administrator suspended the use of the app",
    "team_access_not_granted": "the app is not approved for this workspace",
    "link_disabled": "the app's link is disabled; look at its settings",
    "app_not_installed": "the app is not installed; install it",
}


#: Seconds between tries to reach Slack at the start, growing to the last.
_PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)


class FatalCredentialsError(Exception):
    """Slack does not accept a credential. Says which setting, and what to do."""

    def __init__(self, setting: str, error: str) -> None:
        super().__init__(f"{setting}: Slack answers {error}: {FATAL.get(error, 'look at the app’s settings')}.")
        self.setting = setting
        self.error = error


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot is, from auth.test."""

    team_id: str
    team: str
    user_id: str
    bot_id: str
    scopes: frozenset[str]


def web_client(token: str, api_url: str) -> AsyncWebClient:
    """A client of Slack's Web API at `api_url`."""
    return AsyncWebClient(token=token, base_url=api_url if api_url.endswith("/") else f"{api_url}/")


async def reach(client: AsyncWebClient, app_token: str | None) -> Me:
    """What `preflight` does, for as long as it takes until Slack answers.

    Raises:
        FatalCredentialsError: a token is not accepted.
    """
    attempt = 0
    while True:
        try:
            return await preflight(client, app_token)
        except (SlackApiError, aiohttp.ClientError, OSError, TimeoutError) as error:
            delay = _PATIENCE[min(attempt, len(_PATIENCE) - 1)]
            attempt += 1
            structlog.get_logger("slack").warning("slack_not_reached", error=type(error).__name__, again_in=delay)
            await asyncio.sleep(delay)


async def preflight(client: AsyncWebClient, app_token: str | None) -> Me:
    """Find out who we are, and that the tokens are good, before anything waits for them.

    Raises:
        FatalCredentialsError: they are not. Bolt itself would try for ever.
        SlackApiError, OSError, aiohttp.ClientError: Slack can't be asked now.
    """
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        raise _fatal("SLACK_BOT_TOKEN", error) from None
    if app_token is not None:
        try:
            await client.apps_connections_open(app_token=app_token)
        except SlackApiError as error:
            raise _fatal("SLACK_APP_TOKEN", error) from None
    scopes = answer.headers.get("x-oauth-scopes") or answer.headers.get("X-OAuth-Scopes") or ""
    return Me(
        team_id=str(answer["team_id"]),
        team=str(answer.get("team") or ""),
        user_id=str(answer["user_id"]),
        bot_id=str(answer.get("bot_id") or ""),
        scopes=frozenset(scope.strip() for scope in scopes.split(",") if scope.strip()),
    )


def _fatal(setting: str, error: SlackApiError) -> Exception:
    name = str(error.response.get("error") if isinstance(error.response.data, dict) else "")
    return FatalCredentialsError(setting, name) if name in FATAL else error


def build_app(client: AsyncWebClient, signing_secret: str, me: Me) -> AsyncApp:
    """A Bolt app for one workspace. `authorize` is given so that no environment variable switches it to OAuth."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=me.team_id,
            bot_user_id=me.user_id,
            bot_id=me.bot_id,
            bot_token=client.token,
        )

    return AsyncApp(
        client=AsyncWebClient(base_url=client.base_url),
        authorize=authorize,
        signing_secret=signing_secret or "unused in Socket Mode",
        # Ours acknowledge and return at once. Bolt then answers at once as well, instead of looking for the
        # acknowledgement every 10 ms.
        process_before_response=True,
        # The bot's own messages never come back as commands; a self event would only cost time.
        ignoring_self_events_enabled=True,
    )


class _Client(SocketModeClient):
    """Slack's client, save that fatal answers end it instead of being asked for anew every few seconds."""

    on_fatal: Callable[[FatalCredentialsError], None] | None = None

    async def issue_new_wss_url(self) -> str:
        try:
            return await super().issue_new_wss_url()
        except SlackApiError as error:
            fatal = _fatal("SLACK_APP_TOKEN", error)
            if isinstance(fatal, FatalCredentialsError) and self.on_fatal is not None:
                self.on_fatal(fatal)
                await asyncio.Event().wait()
            raise


class SocketConnection:
    """Socket Mode: one WebSocket, reconnected as long as the credentials are good."""

    def __init__(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        app_token: str,
        on_fatal: Callable[[FatalCredentialsError], None],
    ) -> None:
        self._app = app
        self._web = client
        self._app_token = app_token
        self._on_fatal = on_fatal
        self._client: _Client | None = None
        self._log = structlog.get_logger("socket")

    async def start(self) -> None:
        """Connect; returns once connected."""
        self._client = _Client(self._app_token, web_client=self._web, ping_interval=5)
        self._client.on_fatal = self._on_fatal
        self._client.socket_mode_request_listeners.append(self._handle)
        await self._client.connect()  # type: ignore[no-untyped-call]

    async def connected(self) -> bool:
        """Whether Slack can reach us now."""
        return self._client is not None and await self._client.is_connected()

    async def stop(self) -> None:
        """Disconnect; Slack gives what comes later to another replica, or tells the person that nobody answered."""
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    async def _handle(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            answer = await run_async_bolt_app(self._app, request)
            await send_async_response(client, request, answer, 0.0)
        except (aiohttp.ClientError, ConnectionError, OSError) as error:
            self._log.warning("ack_not_sent", error=type(error).__name__)


def http_routes(app: AsyncApp, signing_secret: str) -> list[web.RouteDef]:
    """`POST /slack/events` for HTTP mode: 401 to what Slack did not sign, 400 to what can't be read."""
    log = structlog.get_logger("http")

    async def events(request: web.Request) -> web.Response:
        if not is_from_slack(signing_secret, request.headers, await request.read(), time.time()):
            log.warning("request_not_signed_by_slack", remote=request.remote)
            return web.json_response({"error": "not signed by Slack"}, status=401)
        try:
            asked = await to_bolt_request(request)
        except (ValueError, TypeError, AttributeError) as error:
            log.warning("request_not_read", error=type(error).__name__)
            return web.json_response({"error": "not a request of Slack's"}, status=400)
        return await to_aiohttp_response(await app.async_dispatch(asked))

    return [web.post("/slack/events", events)]
