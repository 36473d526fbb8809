"""The Web API: who may call what, how often, and the record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.slack import methods_chat, methods_directory, methods_files, methods_team, methods_views
from sandbox.slack.arguments import Arguments
from sandbox.slack.call import Call, Method, granted_scopes
from sandbox.slack.errors import SlackError
from sandbox.slack.model import Payload
from sandbox.slack.outcomes import ApiAnswer, ApiCall

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

_FAMILIES = (methods_chat, methods_directory, methods_files, methods_team, methods_views)


class WebApi:
    """Checks in Slack's order: method, token, rate, scope, arguments. Then the method does its work."""

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self.methods: dict[str, Method] = {m.name: m for module in _FAMILIES for m in module.METHODS}

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
        wanted = str(args.get("channel", "")).removeprefix("#")
        by_name = {channel.name: channel.id for channel in self._ws.channels.values()}
        return self._ws.rates.take(method.name, method.tier, by_name.get(wanted, wanted))
