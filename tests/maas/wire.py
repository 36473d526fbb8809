"""A region of a few lines for faults that no well-behaved server shows: it answers as it is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import SecretStr

from bot.maas.transport import Transport
from tests.maas.recordings import Recorded, recorded

API_KEY = "consumerAAA:tokenBBB:THE_RIGHT_SECRET"
ROOT = "/MAAS/api/2.0/"


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes | str = b"{}"
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Misbehaviour:
    """`hang`: no answer; `drop`: the connection ends; `truncate`: in the middle; `raw`: these bytes."""

    kind: str
    raw: bytes = b""


HANG, DROP, TRUNCATE = Misbehaviour("hang"), Misbehaviour("drop"), Misbehaviour("truncate")
Answer = Reply | Recorded | Misbehaviour | Callable[["Seen"], "Reply"]


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    op: str | None
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def nonce(self) -> str:
        found = re.search(r'oauth_nonce="([^"]+)"', self.headers.get("Authorization", ""))
        return found.group(1) if found else ""


class Wire:
    """Answers version/ and describe/ from the recordings of `version`, the rest as set with `on`."""

    def __init__(self, version: str = "2.9") -> None:
        self._answers: dict[tuple[str, str, str | None], list[Answer]] = {}
        self.seen: list[Seen] = []
        self.on("GET", "describe/", recorded(version, "describe"))
        self.on("GET", "version/", recorded(version, "version_get" if version == "2.9" else "version"))

    def on(self, method: str, path: str, *answers: Answer, op: str | None = None) -> None:
        """Answer in this order; the last one stays."""
        self._answers[method, path, op] = list(answers)

    def calls(self, path: str, method: str = "GET") -> list[Seen]:
        return [one for one in self.seen if (one.path, one.method) == (path, method)]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = web.Server(self._handle)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        try:
            yield f"http://127.0.0.1:{port}/MAAS"
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        query = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        op = dict(query).get("op")
        path = request.rel_url.raw_path.removeprefix(ROOT)
        seen = Seen(request.method, path, op, query, dict(request.headers), body)
        replayed = bool(seen.nonce) and seen.nonce in {one.nonce for one in self.seen}
        self.seen.append(seen)
        if request.content_type.startswith("multipart/") and b"form-data; name=" not in body:
            # What MAAS 2.9 does with a multipart body without parts.
            return _drop(request)
        if replayed:
            return web.Response(status=401, text="Authorization Error: 'Nonce already used'")
        answers = self._answers.get((request.method, path, op))
        if not answers:
            return web.Response(status=404, text="Not Found")
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return await _send(request, answer(seen) if callable(answer) else answer)


async def _send(request: web.BaseRequest, answer: Any) -> web.StreamResponse:
    if isinstance(answer, Recorded):
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
    if isinstance(answer, Reply):
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        headers = {"Content-Type": answer.content_type, "Date": formatdate(usegmt=True), **answer.headers}
        response = web.Response(status=answer.status, body=body, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", "") and answer.headers.get("X-Zip"):
            response.enable_compression(web.ContentCoding.gzip)
        return response
    if answer.kind == "hang":
        await asyncio.sleep(3600)
    assert request.transport is not None
    if answer.kind == "raw":
        request.transport.write(answer.raw)
        await asyncio.sleep(0.05)
    elif answer.kind == "truncate":
        request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n[{")
        await asyncio.sleep(0.05)
        request.transport.close()
        return web.Response()
    return _drop(request)


def _drop(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


@asynccontextmanager
async def transport_to(url: str, cache_dir: Path | None = None, **options: Any) -> AsyncIterator[Transport]:
    transport = Transport(url, SecretStr(API_KEY), cache_dir=cache_dir, **options)
    try:
        yield transport
    finally:
        await transport.close()
