"""The HTTP side: authentication, dispatch, faults, headers, and the log of calls."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from sandbox.maas.answers import BARE_TEXT, HTML, TEXT, Answer, Refusal, json_answer, refuse, text_answer
from sandbox.maas.faults import Fault, Faults
from sandbox.maas.oauth import OAuthCheck
from sandbox.maas.request import ApiRequest, Form, NoParts, parse_body
from sandbox.maas.routing import Route, Table, choose

ROOT = "/MAAS/api/2.0/"
LOG_KEPT = 20_000
SEE_LOG = "See /var/log/maas/regiond.log on the region server for more information."
API_HASHES = {
    "2.9.3": "815b645be0437854a58b51e2d1deb0f27266dd8e",
    "3.4.10": "29b8898cd6164c9b0adae16fe79c9932fe40e145",
    "3.7.3": "36763f1444f05f8c565d0292aabefcaa9ece4369",
}


@dataclass(frozen=True)
class Call:
    """One call; `at` is the loop's time, `status` 0 if it got no answer."""

    at: float
    method: str
    path: str
    op: str | None
    query: str
    status: int
    user: str | None


class Server:
    """Answers HTTP requests; `counts` is by (method, path pattern, op)."""

    def __init__(self, version: str, table: Table, oauth: OAuthCheck, faults: Faults) -> None:
        self._old = version.startswith("2.")
        self._hash = API_HASHES[version]
        self._table = table
        self._oauth = oauth
        self._faults = faults
        self._closing = asyncio.Event()
        self._late: set[asyncio.Task[None]] = set()
        self.log: deque[Call] = deque(maxlen=LOG_KEPT)
        self.counts: Counter[tuple[str, str, str | None]] = Counter()

    def open(self) -> None:
        """Takes calls (again)."""
        self._closing = asyncio.Event()

    def close(self) -> None:
        """Drops the calls that still wait for their answer, and every later one."""
        self._closing.set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers a request; a region that stops does not wait for slow calls."""
        work = asyncio.ensure_future(self._handle(request))
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({work, closing}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            return self._drop(request)
        finally:
            closing.cancel()
            work.cancel()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()
        raw_path = request.rel_url.raw_path
        path = re.sub("/+", "/", unquote(raw_path))
        try:
            form, files = parse_body(request.headers.get("Content-Type", ""), body)
        except NoParts:
            return self._drop(request)
        except json.JSONDecodeError as error:
            return self._send(text_answer(f"Expecting valid JSON: {error}", 400), ok=False)
        query = Form(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True))
        op = query.get("op") or (form.get("op") if request.method == "POST" else None)
        inner = path.removeprefix(ROOT) if path.startswith(ROOT) else path
        call = ApiRequest(request.method, inner, query, form, files, body, op, request.rel_url.raw_query_string)
        if (early := await self._early_fault(request, call)) is not None:
            return early
        authorization = request.headers.get("Authorization")
        if yes := self._faults.take("says-yes", call.method, call.path, call.op):
            if yes.seconds:
                self._later(yes.seconds, self._answer(call, path, authorization))
            self._record(call, 200)
            return self._send(json_answer(None), ok=True)
        answer = await self._answer(call, path, authorization)
        self._record(call, answer.status)
        if self._faults.take("hang-after", call.method, call.path, call.op):
            await asyncio.Event().wait()
        if self._faults.take("reset", call.method, call.path, call.op):
            return self._drop(request)
        return self._send(answer, ok=answer.status < 400)

    def _later(self, seconds: float, work: Coroutine[Any, Any, Answer]) -> None:
        async def wait() -> None:
            await asyncio.sleep(seconds)
            await work

        task = asyncio.create_task(wait())
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _early_fault(self, request: web.BaseRequest, call: ApiRequest) -> web.StreamResponse | None:
        def take(name: str) -> Fault | None:
            return self._faults.take(name, call.method, call.path, call.op)

        if take("hang"):
            self._record(call, 0)
            await asyncio.Event().wait()
        if take("reset-before"):
            self._record(call, 0)
            return self._drop(request)
        if slow := take("slow"):
            await asyncio.sleep(slow.seconds)
        if take("unauthorized"):
            self._record(call, 401)
            return self._send(text_answer("Authorization Error: Invalid API key.", 401, HTML), ok=False)
        if error := take("server-error"):
            self._record(call, error.status)
            text = {
                503: "The MAAS server is temporarily unable to handle the request.",
                504: f"Unexpected exception: TimeoutError. {SEE_LOG}",
            }.get(error.status, f"Unexpected exception: OperationalError. {SEE_LOG}")
            return self._send(text_answer(text, error.status), ok=False)
        return None

    async def _answer(self, call: ApiRequest, path: str, authorization: str | None) -> Answer:
        if not path.startswith(ROOT):
            return _outside(path)
        match = self._table.match(call.path)
        if match is None:
            return text_answer(f"Unknown API endpoint: {path}.", 404)
        pattern, routes, parts = match
        self.counts[(call.method, pattern, call.op)] += 1
        call.parts = parts
        try:
            if authorization is not None or not _anonymous(routes, call):
                call.user = self._oauth.caller(authorization).user
            route = choose(routes, call)
            return await _run(route.handler, call)
        except Refusal as refusal:
            return refusal.answer
        except ValueError as error:
            if "invalid literal for int()" in str(error):
                return text_answer(str(error), 500)  # what the region says to an id that is no number
            raise

    def _record(self, call: ApiRequest, status: int) -> None:
        at = asyncio.get_running_loop().time()
        user = call.user.username if call.user else None
        self.log.append(Call(at, call.method, call.path, call.op, call.query_string, status, user))

    def _send(self, answer: Answer, *, ok: bool) -> web.Response:
        headers = {"Server": "TwistedWeb/19.10.0" if self._old else "nginx/1.22.1"}
        if ok or (answer.status, answer.content_type) == (404, BARE_TEXT):
            headers["Vary"] = "Authorization, Cookie"
            headers["X-Maas-Api-Hash"] = self._hash
        elif answer.status != 404:
            headers["Vary"] = "Cookie"
        headers["X-Frame-Options"] = "SAMEORIGIN" if self._old else "DENY"
        headers["Content-Type"] = answer.content_type
        headers.update(answer.headers or {})
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    def _drop(self, request: web.BaseRequest) -> web.Response:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


def _anonymous(routes: list[Route], call: ApiRequest) -> bool:
    return any(r.anonymous and (r.method, r.op) == (call.method, call.op) for r in routes) or all(
        r.anonymous for r in routes
    )


async def _run(handler: Callable[[ApiRequest], Awaitable[Answer] | Answer], call: ApiRequest) -> Answer:
    outcome = handler(call)
    if inspect.isawaitable(outcome):
        return await outcome
    return outcome


def _outside(path: str) -> Answer:
    if path.startswith("/MAAS/api/1.0/"):
        return Answer(410, BARE_TEXT, b"The 1.0 API is no longer available. Please use API version 2.0.")
    if path.startswith("/MAAS/api/"):
        return text_answer(f"Unknown API endpoint: {path}.", 404, TEXT)
    if path.startswith("/MAAS"):
        return Answer(302, HTML, b"", {"Location": f"/MAAS/?next={path}"})
    raise refuse(404, "Not Found")
