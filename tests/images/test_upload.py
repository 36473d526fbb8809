"""Uploading an image of one's own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from bot.operations.image_upload import PART
from sandbox.maas.images import BootResource
from sandbox.slack import Message
from tests.kinds.steps import agree, done, refused, said
from tests.support.harness import OLGA, OPS, Running, running, until
from tests.support.served import served

CONTENT = b"\x1f\x8b" + os.urandom(2 * PART + 1234)
SHA = hashlib.sha256(CONTENT).hexdigest()
#: On the region's host, which in these tests is loopback.
FILES = {"golden.tgz": CONTENT, "page.tgz": b"<html>"}


def uploaded(it: Running) -> list[BootResource]:
    return [one for one in it.world.region.world.images.resources.values() if one.kind == "Uploaded"]


async def test_an_image_is_uploaded_in_parts_and_removed_with_an_approval(tmp_path: Path) -> None:
    async with served(FILES) as root, running(tmp_path) as it:
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
    async with served(FILES) as root, running(tmp_path) as it:
        it.world.region.faults.set("reset", path="boot-resources/*/upload/*", count=1)
        plan = await it.talk.ask(f"images upload golden {root}/golden.tgz")
        await agree(it.talk, plan)
        await done(it.talk, plan, "Uploaded custom/golden amd64")
        made = uploaded(it)
        assert [(one.size, one.complete) for one in made] == [(len(CONTENT), True)]


async def test_what_can_not_be_uploaded(tmp_path: Path) -> None:
    async with served(FILES) as root, running(tmp_path) as it:
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
        assert not uploaded(it)


# -- a file of Slack's ------------------------------------------------------------------------------------------------


async def mention(it: Running, text: str, thread: str | None = None, files: dict[str, bytes] | None = None) -> Message:
    """Mention the bot, with files, and wait for its answer."""
    talk, mine = it.talk.workspace, f"<@{it.world.workspace.app.bot_user_id}>"
    ts = await talk.say(OLGA, OPS, f"{mine} {text}", thread, files)

    def answer() -> Message | None:
        here = talk.messages(OPS, OLGA, thread or ts)
        return next((one for one in here if one.bot_id and float(one.ts) > float(ts)), None)

    found: Message = await until(answer, what=f"an answer to {text}")
    return found


async def test_a_file_in_slack_is_uploaded_though_maas_goes_away_in_the_middle(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        plan = await mention(it, "images upload golden", files={"golden.tgz": CONTENT})
        assert "from golden.tgz" in said(plan) and "as tgz" in said(plan)
        # The second part of the three finds the region restarting, and so does all that is asked for a while.
        it.world.region.faults.set("reset", path="boot-resources/*/upload/*", count=1)
        await agree(it.talk, plan)
        await until(
            lambda: it.world.region.log and not it.world.region.faults.is_active("reset"), what="the first part"
        )
        it.world.region.faults.set("down")
        await it.talk.reads(plan, "Looking again in a moment")
        it.world.region.faults.clear("down")
        await it.talk.reads(plan, "Uploaded custom/golden amd64", "complete, 8.4 MB")
        [made] = uploaded(it)
        assert (made.name, made.files[0].sha256, made.size, made.complete) == ("golden", SHA, len(CONTENT), True)
        assert "xoxb" not in it.talk.read(plan)


async def test_a_second_version_is_not_taken_for_the_first(tmp_path: Path) -> None:
    second = CONTENT[:PART] + b"another"
    async with running(tmp_path) as it:
        for content in (CONTENT, second):
            thread = await it.talk.workspace.say(OLGA, OPS, "the image", None, {"golden.tgz": content})
            plan = await mention(it, "images upload golden", thread)
            assert ("MAAS adds this one as its newest version" in said(plan)) == (content is second)
            it.world.region.faults.set("reset", path="boot-resources/*/upload/*", count=1)
            await agree(it.talk, plan)
            await it.talk.reads(plan, "Uploaded custom/golden amd64")
        sums = {one.files[0].sha256 for one in uploaded(it) if one.complete}
        assert sums == {SHA, hashlib.sha256(second).hexdigest()}


async def test_what_of_slack_can_not_be_uploaded(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        talk, slack = it.talk.workspace, it.world.workspace
        assert "A slash command takes no files" in await refused(it.talk, "images upload golden")
        for files, part in (
            ({}, "There is no image to upload"),
            ({"picture.png": b"\x89PNG"}, "picture.png does not tell what it is"),
            ({"a.tgz": CONTENT[:9], "b.tgz": CONTENT[:9]}, "2 files came with the message"),
            ({"golden.tgz": b""}, "golden.tgz is empty"),
        ):
            assert part in said(await mention(it, "images upload golden", files=files)), files
        thread = await talk.say(OLGA, OPS, "the image", None, {"huge.img": b"x"})
        next(one for one in slack.files.values() if one.name == "huge.img").length = 2_000_000_000
        refusal = said(await mention(it, "images upload huge", thread))
        assert "huge.img is 2.0 GB; I take up to 1.0 GB from Slack. Put it on the region's host" in refusal
        for name, content, part in (
            ("text.tgz", b"no image", "It is not packed with gzip, and tgz is. Nothing was uploaded."),
            ("gone.tgz", CONTENT, "gone.tgz is no longer in Slack. Share it again"),
            ("shut.tgz", CONTENT, "Slack does not give shut.tgz"),
        ):
            plan = await mention(it, "images upload golden", files={name: content})
            if name == "gone.tgz":
                del slack.files[next(key for key, one in slack.files.items() if one.name == name)]
            if name == "shut.tgz":
                slack.app.scopes.discard("files:read")
            await agree(it.talk, plan)
            await it.talk.reads(plan, "Uploading custom/golden amd64 failed", part)
        assert not uploaded(it)
