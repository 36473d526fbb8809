"""The doctor against a region in each of the states that are known: the page docs/images-do-not-arrive.md as tests."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bot.maas.errors import RegionUnreachable
from bot.maas.mirror import Look, MirrorFindings
from bot.operations.image_cases import Case
from bot.operations.image_doctor import needs_work
from tests.images.lab import BOTH, GOOD, Host, lab, until

pytestmark = pytest.mark.parametrize("version", BOTH)


async def test_healthy(version: str) -> None:
    async with lab(version) as it:
        found = await it.findings()
        assert [one.case for one in found] == [Case.HEALTHY]
        assert found[0].title == "All 3 wanted images are complete."
        assert not needs_work(found)


async def test_starting_and_running(version: str) -> None:
    async with lab(version, speed=4.0) as it:
        it.select("bionic")
        await it.service.api.start_import()
        assert (await it.finding(Case.STARTING)).remedy == ()
        await until(lambda: it.service.imports.state.done, "something to arrive")
        found = await it.findings()
        assert [one.case for one in found] == [Case.RUNNING]
        assert "MB/s" in found[0].evidence[0]
        assert not needs_work(found)


async def test_a_mirror_that_does_not_even_send_its_index(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set("stalled-import")
        await it.service.api.start_import()
        await until(lambda: it.service.imports.state.phase == "stalled", "the stall to be seen")
        found = await it.finding(Case.STALLED)
        assert found.title == "The import has stalled while it reads the mirror's index."
        assert found.recovers


async def test_slow(version: str) -> None:
    async with lab(version, speed=1.0) as it:
        it.select("bionic")
        it.region.faults.set("slow-mirror")
        state = it.region.world.images
        state.plan_import()
        state.importing = True
        await it.service.imports.look()
        # One step of 10 MiB after 210 s at 50 kB/s, told to the watcher in one go.
        for file in it.resources("bionic")[0].files:
            file.done = min(file.size, 10 * 1024 * 1024)
        it.service.imports._clock = lambda: time.time() + 210.0
        found = await it.finding(Case.SLOW)
        assert "It has not stalled" in found.title
        assert "Leave it alone" in found.remedy[0]
        assert not found.recovers


async def test_stalled(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set("slow-mirror", rate=10_000_000)
        await it.begin()
        it.region.faults.set("stalled-import")
        await until(lambda: it.service.imports.state.phase == "stalled", "the stall to be seen")
        # What the notes tried, and what MAAS makes of it: it says yes, and nothing comes of it.
        await it.service.api.start_import()
        await it.service.api.stop_import()
        assert await it.service.api.delete_boot_resource(it.resources("bionic")[0].id)
        found = await it.finding(Case.STALLED)
        assert "no order gets out of it" in found.words
        assert "nothing has arrived for" in found.evidence[1]
        both = "sudo systemctl restart maas-regiond"
        assert both in found.remedy[0]
        assert "sudo snap restart maas.supervisor" in found.remedy[0]
        assert found.recovers


async def test_half(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set("slow-mirror", rate=10_000_000)
        await it.begin()
        it.region.faults.set("region-restarted")
        await it.idle()
        found = await it.finding(Case.HALF)
        assert "ubuntu/bionic amd64 is half there, and no import runs." in found.title
        assert "only the one after that loads them" in found.words
        assert "Import twice" in found.remedy[0]
        # And so it is: the first removes it, the second brings it.
        it.region.faults.clear()
        await it.imported()
        assert it.resources("bionic") == []
        await it.imported()
        assert all(one.complete for one in it.resources("bionic"))
        assert [one.case for one in await it.findings()] == [Case.HEALTHY]


@pytest.mark.parametrize("fault", ["image-file-fails", "image-disk-full"])
async def test_file_failed(version: str, fault: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set(fault)
        it.region.faults.set("slow-mirror", rate=10_000_000)
        await it.begin()
        await it.idle()
        assert it.resources("bionic") == []
        found = await it.finding(Case.FILE_FAILED)
        assert "ubuntu/bionic amd64 is wanted and not there" in found.words
        assert "leaves no event and no notice" in found.words
        assert "it had begun to load ubuntu/bionic amd64, and dropped it" in found.evidence
        assert "regiond.log" in found.remedy[0]


async def test_index_missing(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set("index-missing")
        await it.imported()
        found = await it.finding(Case.INDEX_MISSING)
        assert "streams/v1/index.sjson" in found.evidence[0]
        assert "/maas images source reset" in found.remedy[0]
        # The notice goes with the next import that can read the index.
        it.region.faults.clear()
        await it.imported()
        assert [one.case for one in await it.findings()] == [Case.HEALTHY]


async def test_index_signature(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        it.region.faults.set("index-signature")
        await it.imported()
        found = await it.finding(Case.INDEX_SIGNATURE)
        assert "MAAS does not accept the mirror's index." in found.title
        assert "is checked with /usr/share/keyrings" in found.evidence[1]
        assert "/snap/maas/current/usr/share/keyrings" in found.remedy[1]
        assert "restarted in that moment" in found.remedy[0]


async def test_not_imported(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        found = await it.finding(Case.NOT_IMPORTED)
        assert "ubuntu/bionic amd64 is wanted and not there, and no import runs." in found.title
        assert "the last import that MAAS logged began" in found.evidence[0]


async def test_an_import_before_it_was_selected_proves_nothing(version: str) -> None:
    """An import with nothing to load ends as one whose index is not accepted: without a file, without a notice."""
    async with lab(version) as it:
        await it.imported()
        assert it.service.imports.state.last is not None
        it.select("bionic")
        assert [one.case for one in await it.findings()] == [Case.NOT_IMPORTED]


async def test_held(version: str) -> None:
    async with lab(version, speed=4.0) as it:
        it.select("bionic")
        await it.begin()
        it.select("hirsute")
        found = await it.finding(Case.HELD)
        assert "ubuntu/hirsute amd64 is selected, and not part of the import that runs." in found.title
        assert "nothing comes of it" in found.words
        assert found.recovers


async def test_no_source(version: str) -> None:
    async with lab(version) as it:
        it.region.world.images.sources.clear()
        found = await it.finding(Case.NO_SOURCE)
        assert "deletes the other images (ubuntu/focal amd64, ubuntu/jammy amd64 and ubuntu/noble amd64)" in found.words
        assert "/maas images source reset --snap, or --deb" in found.remedy[0]
        assert not found.recovers, "without knowing where the keyring is, recovering would delete the images"
        it.region.world.images.resources.clear()
        found = await it.finding(Case.NO_SOURCE)
        assert "Restore MAAS's default source" in found.remedy[0]
        assert found.recovers


async def test_unselected(version: str) -> None:
    async with lab(version) as it:
        release = it.region.world.settings["commissioning_distro_series"]
        source = it.region.world.images.sources[0]
        source.selections = [one for one in source.selections if one.release != release]
        found = await it.finding(Case.UNSELECTED)
        assert f"ubuntu/{release}, which machines boot to be commissioned, is not selected." in found.title
        assert found.recovers


async def test_index_unread(version: str) -> None:
    async with lab(version) as it:
        await it.service.api.create_boot_source("http://mirror.lan/maas/", keyring_filename="/k.gpg")
        found = await it.finding(Case.INDEX_UNREAD)
        assert "refuses selections as if the release did not exist" in found.words
        it.region.world.images.sources[1].updated -= 3600
        it.region.world.images.sources[1].created -= 3600
        assert "Nothing is selected of a source." in (await it.finding(Case.UNSELECTED)).title


@pytest.mark.parametrize(
    ("host", "case", "words"),
    [
        (MirrorFindings(dns=Look(False, "images.maas.io does not resolve")), Case.UNREACHABLE, "does not resolve"),
        (MirrorFindings(dns=Look(True, ""), tcp=Look(False, "connection refused")), Case.UNREACHABLE, "refused"),
        (MirrorFindings(clock_off=-4000.0), Case.CLOCK, "1 h 6 min behind"),
        (MirrorFindings(free=1_000_000), Case.NO_SPACE, "1.0 MB are free"),
        (MirrorFindings(index=Look(False, "404 Not Found")), Case.INDEX_MISSING, "404 Not Found"),
        (MirrorFindings(signature=Look(False, "signed by another key")), Case.INDEX_SIGNATURE, "another key"),
    ],
)
async def test_what_the_host_sees(version: str, host: MirrorFindings, case: Case, words: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        merged = replace(GOOD, **{name: value for name in GOOD.__slots__ if (value := getattr(host, name)) is not None})
        found = await it.with_host(Host(merged)).finding(case)
        assert words in " ".join((found.title, *found.evidence))
        assert (await it.with_host(Host(merged)).findings())[0].case is case, "the cause comes first"


async def test_a_host_that_can_not_be_asked_leaves_the_rest(version: str) -> None:
    async with lab(version) as it:
        it.select("bionic")
        found = await it.with_host(Host(error=RegionUnreachable("No route to the host."))).findings()
        assert [one.case for one in found] == [Case.NOT_IMPORTED]


async def test_racks_behind_and_no_rack(version: str) -> None:
    async with lab(version) as it:
        it.region.faults.set("racks-behind")
        found = await it.finding(Case.RACKS_BEHIND)
        assert found.recovers
        it.region.faults.set("dead-rack")
        await until(lambda: not any(one.connected for one in it.service.watcher.snapshot.racks.value or ()), "no rack")
        assert (await it.finding(Case.NO_RACK)).remedy


async def test_a_key_without_rights(version: str) -> None:
    from pydantic import SecretStr

    from bot.maas.region import Region
    from bot.maas.transport import Transport

    async with lab(version) as it:
        transport = Transport(it.region.url, SecretStr(it.region.operator_api_key))
        it.service = replace(it.service, api=Region(transport))
        try:
            found = await it.finding(Case.KEY)
            assert "administrator" in found.remedy[0]
        finally:
            await transport.close()
