"""Uploading an image of one's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from bot.operations.image_upload import PART
from tests.kinds.steps import agree, done, refused, said
from tests.support.harness import running

CONTENT = os.urandom(2 * PART + 1234)
SHA = hashlib.sha256(CONTENT).hexdigest()


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """A web server on the region's host, which in these tests is loopback."""

    async def image(_request: web.Request) -> web.Response:
        return web.Response(body=CONTENT, content_type="application/gzip")

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/golden.tgz", image)
    app.router.add_get("/page.tgz", page)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        assert site._server is not None
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    finally:
        await runner.cleanup()


async def test_an_image_is_uploaded_in_parts_and_removed_with_an_approval(tmp_path: Path) -> None:
    async with served() as root, running(tmp_path) as it:
        images = it.world.region.world.images
        plan = await it.talk.ask(f"images upload golden {root}/golden.tgz --sha256 {SHA} --title 'Our own'")
        assert "Upload custom/golden amd64?" in said(plan)
        assert "as tgz" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Uploaded custom/golden amd64", "complete, 8.4 MB")
        made = next(one for one in images.resources.values() if one.kind == "Uploaded")
        assert (made.name, made.title, made.files[0].sha256, made.size) == ("golden", "Our own", SHA, len(CONTENT))
        puts = [call for call in it.world.region.log if call.method == "PUT" and "/upload/" in call.path]
        assert len(puts) == 3
        assert "custom/golden amd64 uploaded" in said(await it.talk.ask("images"))
        plan = await it.talk.ask("images remove custom/golden --reason 'not used'")
        assert "no import brings it back" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Removed custom/golden amd64")
        assert made.id not in images.resources


async def test_a_lost_answer_in_the_middle_begins_the_upload_anew(tmp_path: Path) -> None:
    async with served() as root, running(tmp_path) as it:
        it.world.region.faults.set("reset", path="boot-resources/*/upload/*", count=1)
        plan = await it.talk.ask(f"images upload golden {root}/golden.tgz")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Uploaded custom/golden amd64")
        made = [one for one in it.world.region.world.images.resources.values() if one.kind == "Uploaded"]
        assert [(one.size, one.complete) for one in made] == [(len(CONTENT), True)]


async def test_what_can_not_be_uploaded(tmp_path: Path) -> None:
    async with served() as root, running(tmp_path) as it:
        for words, answer in {
            f"images upload 'a b' {root}/golden.tgz": "is no name for an image",
            "images upload golden ftp://x/golden.tgz": "is no web address",
            f"images upload golden {root}/golden": "--type tgz",
            "images upload golden http://169.254.169.254/golden.tgz": "is not on the region's host",
            f"images upload golden {root}/golden.tgz --sha256 abc": "64 digits",
        }.items():
            refusal = await refused(it.talk, words)
            assert answer in refusal, refusal
        for path, options, answer in (
            ("gone.tgz", "", "answers 404"),
            ("page.tgz", "", "is a web page, and no image"),
            ("golden.tgz", f" --sha256 {'0' * 64}", "and not the one that was given"),
        ):
            plan = await it.talk.ask(f"images upload golden {root}/{path}{options}")
            await agree(it.talk, plan)
            await done(it.talk, plan, "Uploading custom/golden amd64 failed", answer)
        assert not [one for one in it.world.region.world.images.resources.values() if one.kind == "Uploaded"]
