"""What the helper says of a mirror: an index, a web page, nothing; asked of a real server."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.host.facts import Mirror
from bot.host.helper.mirror import mirror
from bot.host.mirror import told


def _answering(status: int, content_type: str) -> web.Application:
    async def index(request: web.Request) -> web.Response:
        assert request.method == "HEAD"
        return web.Response(status=status, content_type=content_type)

    app = web.Application()
    app.router.add_route("HEAD", "/maas/streams/v1/index.sjson", index)
    return app


@pytest.mark.parametrize(
    ("status", "content_type", "well", "words"),
    [
        (200, "application/octet-stream", True, "it answers 200"),
        (200, "text/html", False, "it answers with a web page, where the mirror's index should be"),
        (404, "text/html", False, "it answers 404"),
        (503, "text/plain", False, "it answers 503"),
    ],
)
async def test_what_answers(status: int, content_type: str, well: bool, words: str) -> None:
    async with TestServer(_answering(status, content_type)) as server:
        found = await asyncio.to_thread(mirror, {"url": f"http://127.0.0.1:{server.port}/maas/"})
    finding = told(Mirror.model_validate(found))
    assert finding.well is well
    assert words in finding.found


async def test_nobody_there() -> None:
    async with TestServer(web.Application()) as server:
        port = server.port
    finding = told(Mirror.model_validate(await asyncio.to_thread(mirror, {"url": f"http://127.0.0.1:{port}/maas"})))
    assert not finding.well
    assert "its port can't be reached" in finding.found
