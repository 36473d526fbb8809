"""What the doctor says in each case, to the word; `UPDATE_GOLDEN=1` writes it anew. Times and amounts are masked."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.maas.mirror import Look, MirrorFindings
from bot.maas.region import Region
from bot.maas.transport import Transport
from bot.operations.image_doctor import diagnose
from bot.operations.image_evidence import gather
from bot.slack.render import render
from commands.images import doctor_message
from tests.images.lab import GOOD, Host, Lab, lab, until
from tests.slack.blockcheck import check
from tests.support.harness import words_of

GOLDEN = Path(__file__).parent / "golden"


async def healthy(_: Lab) -> None:
    return


async def stalled(it: Lab) -> None:
    await _begun(it)
    it.region.faults.set("stalled-import")
    await until(lambda: it.service.imports.state.phase == "stalled", "the stall to be seen")


async def half(it: Lab) -> None:
    await _begun(it)
    it.region.faults.set("region-restarted")
    await it.idle()


async def file_failed(it: Lab) -> None:
    it.region.faults.set("image-file-fails")
    await _begun(it)
    await it.idle()


async def index_missing(it: Lab) -> None:
    it.region.faults.set("index-missing")
    it.select("bionic")
    await it.imported()


async def index_signature(it: Lab) -> None:
    it.region.faults.set("index-signature")
    it.select("bionic")
    await it.imported()


async def index_unread(it: Lab) -> None:
    await it.service.api.create_boot_source("http://mirror.lan/maas/", keyring_filename="/k.gpg")


async def not_imported(it: Lab) -> None:
    it.select("bionic")


async def no_source(it: Lab) -> None:
    it.region.world.images.sources.clear()


async def unselected(it: Lab) -> None:
    release = it.region.world.settings["commissioning_distro_series"]
    source = it.region.world.images.sources[0]
    source.selections = [one for one in source.selections if one.release != release]


async def racks_behind(it: Lab) -> None:
    it.region.faults.set("racks-behind")


async def _begun(it: Lab) -> None:
    it.select("bionic")
    it.region.faults.set("slow-mirror", rate=10_000_000)
    await it.begin()


async def starting(it: Lab) -> None:
    it.select("bionic")
    it.region.faults.set("stalled-import")  # its index does not come either
    await it.service.api.start_import()
    await it.service.imports.look()


async def running(it: Lab) -> None:
    await _begun(it)
    await until(lambda: it.service.imports.state.phase == "running", "the import to run")


async def slow(it: Lab) -> None:
    """The last of it arrived five minutes ago, by the watcher's clock."""
    await _begun(it)
    it.region.faults.set("slow-mirror", rate=1)
    await it.service.imports.look()
    it.service.imports._clock = lambda: time.time() + 300.0
    it.service.imports._follower._stalled_after = 600.0
    await it.service.imports.look()


async def held(it: Lab) -> None:
    await running(it)
    it.region.faults.set("slow-mirror", rate=1_000_000)
    it.select("hirsute")


async def no_rack(it: Lab) -> None:
    it.region.faults.set("dead-rack")
    await until(lambda: not any(one.connected for one in it.service.watcher.snapshot.racks.value or ()), "no rack")


async def key(it: Lab) -> None:
    transport = Transport(it.region.url, SecretStr(it.region.operator_api_key))
    it.service = replace(it.service, api=Region(transport))
    it.closing.append(transport.close)


CASES = (starting, running, slow, held, no_rack, key, healthy, stalled, half, file_failed, index_missing,
         index_signature, index_unread, not_imported, no_source,
         unselected, racks_behind)  # fmt: skip
SEEN = {
    "unreachable": MirrorFindings(dns=Look(False, "images.maas.io does not resolve")),
    "clock": MirrorFindings(dns=GOOD.dns, tcp=GOOD.tcp, index=GOOD.index, clock_off=-4000.0, free=GOOD.free),
    "no_space": MirrorFindings(dns=GOOD.dns, tcp=GOOD.tcp, index=GOOD.index, clock_off=0.0, free=1_000_000),
}
_MASKS = (
    (re.compile(r" +\n"), "\n"),
    (re.compile(r"127\.0\.0\.1:\d+"), "REGION"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?"), "TIME"),
    # How much of it was seen depends on when the watcher looked.
    (re.compile(r"\d+ files(, and [\d.]+ .?B arrived)?"), "N files"),
    (re.compile(r"\b[\d.]+ (s|min|h|%|MB/s|kB/s|MB|GB)(?!\w)"), r"N \1"),
)


async def said(it: Lab) -> str:
    evidence = await gather(it.service)
    rendered = render(doctor_message(evidence, diagnose(evidence)))
    check(rendered.blocks, "message")
    text = rendered.text + "\n" + words_of(rendered.blocks).replace("Seen:", "\nSeen:").replace("To do:", "\nTo do:")
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text + "\n"


@pytest.mark.parametrize("case", CASES, ids=[one.__name__ for one in CASES])
async def test_what_is_said(case: Callable[[Lab], Awaitable[None]]) -> None:
    async with lab() as it:
        await case(it)
        _compare(case.__name__, await said(it))


@pytest.mark.parametrize("name", sorted(SEEN))
async def test_what_is_said_of_what_the_host_sees(name: str) -> None:
    async with lab() as it:
        it.select("bionic")
        _compare(name, await said(it.with_host(Host(SEEN[name]))))


def _compare(name: str, text: str) -> None:
    path = GOLDEN / f"doctor_{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
