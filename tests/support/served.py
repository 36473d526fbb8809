"""A web server of files on loopback, as there is one on a region's host."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web


@asynccontextmanager
async def served(files: Mapping[str, bytes]) -> AsyncIterator[str]:
    """Serve these files by their names; yields the address before the names. What begins as HTML is a page."""

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        kind = "text/html" if files[name].startswith(b"<html") else "application/octet-stream"
        return web.Response(body=files[name], content_type=kind)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
