"""The Web API: who may call what, how often, and the record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.slack.arguments import Arguments, wrong
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Channel, Payload
from sandbox.slack.outcomes import ApiAnswer, ApiCall
from sandbox.slack.rates import Tier

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Call:
    """One call on its way through: the workspace, the method and the arguments."""

    ws: Workspace
    method: str
    args: Arguments

    def channel(self, name: str = "channel", *, by_name: bool = False) -> Channel:
        """The channel that an argument names, as the bot sees it.

        Raises:
            SlackError: `channel_not_found`, also for private channels that the bot is not in.
        """
        wanted = self.args.needed(name)
        channel = self.ws.channels.get(wanted)
        if channel is None and by_name:
            bare = wanted.removeprefix("#")
            channel = next((c for c in self.ws.channels.values() if c.name == bare and not c.im_user), None)
        if channel is None and by_name and wanted in self.ws.users:
            channel = self.ws.direct_message(wanted)
        if channel is None or (channel.is_private and not self.ws.bot_is_in(channel)):
            raise SlackError("channel_not_found")
        return channel

    def need(self, *scopes: str) -> None:
        """Refuse without one of the scopes.

        Raises:
            SlackError: `missing_scope`, with what is needed and what is provided.
        """
        granted = granted_scopes(self.ws)
        if scopes and not granted.intersection(scopes):
            raise SlackError("missing_scope", needed=scopes[0], provided=",".join(sorted(granted)))

    def page(self, items: list[Any], *, default: int, most: int) -> tuple[list[Any], str]:
        """One page of a list and the cursor of the next."""
        limit = self.args.number("limit", default)
        if not 0 < limit <= most:
            raise SlackError("invalid_limit")
        cursor = self.args.text("cursor")
        if cursor and not cursor.removeprefix("next:").isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor.removeprefix("next:") or 0)
        following = f"next:{start + limit}" if start + limit < len(items) else ""
        return items[start : start + limit], following


Handler = Callable[[Call], Payload]


@dataclass(frozen=True, slots=True)
class Method:
    """One method. `scopes`: any one of them will do. `app_token`: wants `xapp-` instead of `xoxb-`."""

    name: str
    handler: Handler
    tier: Tier
    scopes: tuple[str, ...] = ()
    app_token: bool = False


def granted_scopes(ws: Workspace) -> set[str]:
    missing = ws.faults.on("missing-scope")
    return ws.app.scopes - ({str(missing["scope"])} if missing else set())


class WebApi:
    """Checks in Slack's order: method, token, rate, scope, arguments. Then the method does its work."""

    def __init__(self, ws: Workspace) -> None:
        from sandbox.slack import methods_chat, methods_directory, methods_files, methods_team, methods_views

        self._ws = ws
        modules = (methods_chat, methods_directory, methods_files, methods_team, methods_views)
        self.methods: dict[str, Method] = {m.name: m for module in modules for m in module.METHODS}

    async def call(self, name: str, raw: Mapping[str, Any], token: str | None) -> ApiAnswer:
        args = {key: value for key, value in raw.items() if key != "token"}
        token = token or (str(raw["token"]) if raw.get("token") else None)
        slow = self._ws.faults.use("slow", name)
        if slow:
            await asyncio.sleep(float(slow["seconds"]))
        status, body, headers = self._answer(name, args, token)
        error = None if not isinstance(body, dict) or body.get("ok") else str(body.get("error"))
        ok = isinstance(body, dict) and bool(body.get("ok"))
        answer = body if isinstance(body, dict) else {}
        self._ws.calls.append(ApiCall(name, self._ws.clock(), args, status, ok, error, answer, headers))
        self._ws.call_counts[name] += 1
        if not ok:
            self._ws.error_counts[name, error or str(status)] += 1
        dropped = ok and self._ws.faults.use("drop-answer", name) is not None
        return ApiAnswer(status, body, headers, dropped)

    def _answer(
        self, name: str, args: Mapping[str, Any], token: str | None
    ) -> tuple[int, Payload | str, dict[str, str]]:
        headers = {"x-slack-req-id": self._ws.ids.hexadecimal(32), "x-slack-backend": "r"}
        broken = self._ws.faults.use("server-error", name)
        if broken:
            return int(broken["status"]), "upstream connect error", headers
        method = self.methods.get(name)
        if method is None:
            return 200, {"ok": False, "error": "unknown_method", "req_method": name}, headers
        try:
            self._check_token(method, token)
            headers["x-oauth-scopes"] = ",".join(
                sorted(self._ws.app.app_scopes if method.app_token else granted_scopes(self._ws))
            )
            headers["x-accepted-oauth-scopes"] = ",".join(method.scopes)
            call = Call(self._ws, name, Arguments(args))
            wait = self._wait(method, args)
            if wait is not None:
                headers["Retry-After"] = str(wait)
                return 429, {"ok": False, "error": "ratelimited"}, headers
            if method.app_token:
                self._check_app_scope(method)
            else:
                call.need(*method.scopes)
            return 200, {"ok": True, **method.handler(call)}, headers
        except SlackError as refused:
            return refused.status, refused.body(), headers

    def _check_token(self, method: Method, token: str | None) -> None:
        app = self._ws.app
        if not token:
            raise SlackError("not_authed")
        if token not in {app.bot_token, app.app_token}:
            raise SlackError("invalid_auth")
        revoked = self._ws.faults.on("revoke-token")
        if revoked and token == app.bot_token:
            raise SlackError(str(revoked["error"]))
        if (token == app.app_token) != method.app_token and method.name != "auth.test":
            raise SlackError("not_allowed_token_type")

    def _check_app_scope(self, method: Method) -> None:
        granted = self._ws.app.app_scopes
        if method.scopes and not granted.intersection(method.scopes):
            raise SlackError("missing_scope", needed=method.scopes[0], provided=",".join(sorted(granted)))

    def _wait(self, method: Method, args: Mapping[str, Any]) -> int | None:
        limited = self._ws.faults.use("rate-limit", method.name)
        if limited:
            return int(limited["retry_after"])
        return self._ws.rates.take(method.name, method.tier, str(args.get("channel", "")))


__all__ = ["Call", "Method", "Tier", "WebApi", "granted_scopes", "wrong"]
