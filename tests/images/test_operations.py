"""What people do with images, as they do it: words, plan, yes, thread, end; and the faults in the middle of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.world import hosted
from tests.images.deeds import SLOWLY, asked, begun, complete, images, orders
from tests.kinds.steps import CANCEL, agree, done, operation_id, refused, said
from tests.support.harness import running

BOTH = pytest.mark.parametrize("version", ["2.9.3", "3.4.10"])


@BOTH
async def test_the_list(tmp_path: Path, version: str) -> None:
    async with running(tmp_path, version=version) as it:
        release = "focal" if version == "2.9.3" else "jammy"
        it.world.region.world.images.select(it.world.region.world.images.sources[0], "bionic")
        text = said(await it.talk.ask("images"))
        assert "3 of 4 images are complete. No import runs." in text
        assert f"ubuntu/{release} amd64 complete 624 MB 20261110" in text
        assert "commissioning, deploy default" in text
        assert "ubuntu/bionic amd64 wanted, not there" in text
        assert "/maas images doctor" in text


async def test_add_imports_with_percent_and_rate_and_remove_takes_it_away(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        plan = await it.talk.ask("images add bionic")
        assert "Add ubuntu/bionic amd64?" in said(plan)
        await agree(it.talk, plan)
        text = await it.talk.reads(plan, "of 624 MB", "MB/s", "left")
        assert "Selection: selected" in text
        await done(it.talk, plan, "Added ubuntu/bionic amd64", "Import: all 4 wanted images complete")
        assert complete(it, "bionic")
        assert orders(it) == 1
        assert "it is selected, and complete" in await refused(it.talk, "images add ubuntu/bionic")
        plan = await it.talk.ask("images remove bionic")
        assert "ubuntu/bionic amd64: 624 MB in the region" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Removed ubuntu/bionic amd64", "no longer selected", "Image: deleted")
        assert images(it, "bionic") == []


async def test_an_import_that_runs_is_joined_and_not_ordered_twice(tmp_path: Path) -> None:
    async with running(tmp_path, speed=20.0) as it:
        it.world.region.world.images.select(it.world.region.world.images.sources[0], "bionic")
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        await it.bot.regions["default"].api.start_import()
        plan = await it.talk.ask("images import")
        assert "An import runs already" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Imported images", "all 4 wanted images complete")
        assert orders(it) == 1


async def test_a_newer_version_is_fetched_and_the_old_one_serves_meanwhile(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.world.images.mirror_version = "20261120"
        it.world.region.faults.set("slow-mirror", rate=2 * SLOWLY)
        plan = await asked(it, "images import")
        await it.talk.reads(plan, "MB/s")
        assert "newer version" in said(await it.talk.ask("images"))
        assert "Commission node-2?" in said(await it.talk.ask("commission node-2"))
        await done(it.talk, plan, "Imported images")
        assert "20261120" in said(await it.talk.ask("images"))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("image-file-fails", "The last import ended early: a file could not be loaded."),
        ("index-missing", "MAAS can't read the mirror's index."),
        ("index-signature", "MAAS does not accept the mirror's index."),
    ],
)
async def test_an_import_that_ends_without_the_image_says_why(tmp_path: Path, fault: str, words: str) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        it.world.region.world.images.select(it.world.region.world.images.sources[0], "bionic")
        it.world.region.faults.set(fault)
        plan = await asked(it, "images import")
        await done(
            it.talk, plan, "Importing images failed", "ubuntu/bionic amd64 is not there after the import.", words
        )
        # MAAS leaves a notice of an index that it can't open. Without one, a restart would look the same.
        assert orders(it) == {"image-file-fails": 3, "index-missing": 1, "index-signature": 2}[fault]
        it.world.region.faults.clear()
        plan = await asked(it, "images recover")
        await done(it.talk, plan, "Recovered the import of images")
        assert complete(it, "bionic")
        assert "nothing has to be recovered" in await refused(it.talk, "images recover")


async def test_a_source_that_answers_with_a_web_page_is_told_where_there_is_a_host(tmp_path: Path) -> None:
    """MAAS takes any URL. The plan says what the host sees there, and so does the doctor when it was added anyway."""
    async with hosted(tmp_path, speed=40.0) as it:
        assert it.world.host is not None
        it.world.host.faults.set("mirror-html")
        page = "it answers with a web page, where the mirror's index should be"
        plan = await it.talk.ask("images source add http://portal.lan/login --keyring /etc/k.gpg")
        assert f"The region's host finds no mirror at http://portal.lan/login/: {page}" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "http://portal.lan/login/, checked with /etc/k.gpg")
        it.world.region.world.images.select(it.world.region.world.images.sources[1], "bionic")
        doctor = said(await it.talk.ask("images doctor"))
        assert "The mirror does not answer with an index." in doctor
        assert f"seen from the region's host: http://portal.lan/login/: {page}" in doctor


@pytest.mark.parametrize("words", ["images recover", "images add ubuntu/jammy"])
async def test_what_machines_boot_is_selected_again_and_not_lost(tmp_path: Path, words: str) -> None:
    async with running(tmp_path) as it:
        source = it.world.region.world.images.sources[0]
        source.selections = [one for one in source.selections if one.release != "jammy"]
        plan = await it.talk.ask(words)
        assert "An import deletes" not in said(plan), "it is selected before the import"
        await agree(it.talk, plan)
        await done(it.talk, plan, "Selection: selected", "all 3 wanted images complete")
        assert complete(it, "jammy")


async def test_cancelling_stops_the_import_that_was_ordered(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        plan = await asked(it, "images add bionic")
        await it.talk.reads(plan, "MB/s")
        await it.talk.click(plan, CANCEL)
        await done(it.talk, plan, "was cancelled", "MAAS stopped the import and dropped what was half there.")
        assert not it.world.region.world.images.importing
        assert images(it, "bionic") == []


async def test_stop(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "none runs" in await refused(it.talk, "images stop")
        it.world.region.world.images.select(it.world.region.world.images.sources[0], "bionic")
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        await begun(it)
        plan = await it.talk.ask("images stop")
        assert "ubuntu/bionic amd64:" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Stopped the import of images")
        assert images(it, "bionic") == []


async def test_an_import_that_an_operation_follows_stops_with_it_and_not_under_it(tmp_path: Path) -> None:
    """The operation would order the import again, and "stopped" would not be true."""
    async with running(tmp_path) as it:
        it.world.region.faults.set("slow-mirror", rate=SLOWLY)
        adding = await asked(it, "images add bionic")
        await it.talk.reads(adding, "MB/s")
        assert "/maas images import follows it in a thread" in said(await it.talk.ask("images")).replace("`", "")
        text = " ".join((await refused(it.talk, "images stop")).split())
        name = operation_id(adding)
        assert f"{name} (Add ubuntu/bionic amd64, asked by olga)" in text and f"/maas cancel {name}" in text
        await it.talk.ask(f"cancel {name}")
        await done(it.talk, adding, "was cancelled")
        assert not it.world.region.world.images.importing and orders(it) == 1
        assert "none runs" in await refused(it.talk, "images stop")


async def test_names_that_are_none(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        assert "is no image" in await refused(it.talk, "images add 'ubuntu/ja mmy;'")
        assert "is no image" in await refused(it.talk, "images remove /")
        assert "neither there nor selected" in await refused(it.talk, "images remove ubuntu/xenial")
        assert "machines boot it to be commissioned" in await refused(it.talk, "images remove jammy")
        assert "there is no source 9" in await refused(it.talk, "images add bionic --source 9")
        assert "日本語 is no image" in " ".join((await refused(it.talk, "images add 日本語")).split())
        for arches in ("amd64,arm64", "ａｍｄ64"):
            refusal = await refused(it.talk, f"images add jammy {arches}")
            assert f"{arches} is no architecture" in " ".join(refusal.split())


async def test_a_release_that_is_not_known(tmp_path: Path) -> None:
    """MAAS's API does not list what a mirror has: the plan says what is near, or what there is, and so does the end."""
    async with running(tmp_path) as it:
        plan = await it.talk.ask("images add ubuntu/jamy")
        assert "I know no Ubuntu release jamy. Did you mean jammy?" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "has no available images", "Did you mean jammy?")
        plan = await it.talk.ask("images add banana")
        there = "Ubuntu's releases are xenial, bionic, focal, groovy, hirsute, impish, jammy,"
        assert there in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "has no available images", there)
        assert "I know no" not in said(await it.talk.ask("images add bionic"))
        assert orders(it) == 0
        plan = await asked(it, "images add bionic s390x")
        await done(it.talk, plan, "No available images to download")


async def test_sources(tmp_path: Path) -> None:
    async with running(tmp_path) as it:
        world = it.world.region.world.images
        assert "Images come from 1 source" in said(await it.talk.ask("images sources"))
        for words, answer in {
            "images source add not-a-url --keyring /k.gpg": "is no web address",
            "images source add http://u:secret@mirror.lan/ --keyring /k.gpg": "Leave it out",
            "images source add http://mirror.lan/": "--keyring",
            "images source add http://mirror.lan/ --keyring ../k": "is no path",
            "images source add http://images.maas.io/ephemeral-v3/stable/ --keyring /k.gpg": "is a source already",
            "images source reset 7": "There is no source 7",
            "images source reset --snap --deb": "one of the two",
            "images source remove 7": "it is not there",
        }.items():
            refusal = await refused(it.talk, words)
            assert answer in refusal, refusal
            assert "secret" not in refusal
        plan = await asked(it, "images source add http://mirror.lan/maas --keyring /etc/mirror.gpg")
        await done(it.talk, plan, "http://mirror.lan/maas/, checked with /etc/mirror.gpg")
        assert [one.url for one in world.sources][1:] == ["http://mirror.lan/maas/"]
        assert "Which one?" not in await refused(it.talk, "images source reset 2"), "the URL is taken by source 1"
        # Right after it was added MAAS refuses every selection; that is waited for.
        plan = await asked(it, "images add hirsute --source 2")
        await done(it.talk, plan, "Added ubuntu/hirsute amd64")
        plan = await it.talk.ask("images source remove 2 --reason 'not used'")
        assert "ubuntu/hirsute amd64" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "deleted, with what was selected of it")
        assert len(world.sources) == 1


@pytest.mark.parametrize(
    ("words", "keyring"),
    [
        ("images source reset --snap", "/snap/maas/current/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg"),
        ("images source reset --deb", "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg"),
        ("images source reset --keyring /etc/own.gpg", "/etc/own.gpg"),
    ],
)
async def test_a_source_is_reset_and_keeps_what_is_selected(tmp_path: Path, words: str, keyring: str) -> None:
    async with running(tmp_path) as it:
        source = it.world.region.world.images.sources[0]
        source.url, source.keyring_filename = "http://typo.lan/", "/nowhere.gpg"
        assert "as a snap or from packages?" in await refused(it.talk, "images source reset")
        plan = await it.talk.ask(words)
        assert "Now it is http://typo.lan/, checked with /nowhere.gpg" in said(plan)
        await agree(it.talk, plan)
        await done(it.talk, plan, "Set the source of images", "http://images.maas.io/ephemeral-v3/stable/")
        assert (source.keyring_filename, len(source.selections)) == (keyring, 3)


@pytest.mark.parametrize("words", ["images source reset --deb", "images recover"])
async def test_a_source_that_was_deleted_comes_back_and_no_image_goes(tmp_path: Path, words: str) -> None:
    """The notes' case: the boot source was deleted, and nothing is downloaded any more."""
    async with running(tmp_path, version="2.9.3") as it:
        world = it.world.region.world.images
        before = set(world.resources)
        world.sources.clear()
        assert "MAAS has no source of images" in said(await it.talk.ask("images sources"))
        assert "images source reset restores its own" in await refused(it.talk, "images add bionic")
        assert "--snap" in await refused(it.talk, "images source reset")
        if words == "images recover":
            assert "nothing has to be recovered" not in await refused(it.talk, words)
            return
        plan = await asked(it, words)
        await done(it.talk, plan, "Set the source of images", "3 selected")
        assert [one.url for one in world.sources] == ["http://images.maas.io/ephemeral-v3/stable/"]
        assert set(world.resources) == before
