"""Imports: progress, the lock, stopping, and the stalls that people meet."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest


async def _until_idle(call: Any, seconds: float = 8.0) -> None:
    end = time.monotonic() + seconds
    while (await call("GET", "boot-resources/?op=is_importing")).json:
        assert time.monotonic() < end, "the import does not end"
        await asyncio.sleep(0.02)


async def _select(call: Any, release: str) -> None:
    source = (await call("GET", "boot-sources/")).json[0]["id"]
    data = {"os": "ubuntu", "release": release, "arches": "amd64", "subarches": "*", "labels": "*"}
    assert (await call("POST", f"boot-sources/{source}/selections/", data)).status == 200


async def _resources(call: Any, release: str) -> list[dict[str, Any]]:
    rows = (await call("GET", "boot-resources/")).json
    ids = [r["id"] for r in rows if r["name"] == f"ubuntu/{release}"]
    return [(await call("GET", f"boot-resources/{n}/")).json for n in ids]


def _set(resource: dict[str, Any]) -> dict[str, Any]:
    return dict(next(iter(resource["sets"].values())))


async def test_an_import_grows_and_then_is_complete(call) -> None:
    await _select(call, "bionic")
    assert (await call("POST", "boot-resources/?op=import")).text == "Import of boot resources started"
    seen: list[float] = []
    upside_down: list[float] = []
    while (await call("GET", "boot-resources/?op=is_importing")).json:
        for resource in await _resources(call, "bionic"):
            found = _set(resource)
            if not found["complete"]:
                seen.append(found["progress"])
                upside_down += [f["progress"] for f in found["files"].values() if not f["complete"]]
        await asyncio.sleep(0.01)
    assert len({round(p) for p in seen}) > 2
    assert any(p > 1 for p in upside_down)
    done = await _resources(call, "bionic")
    assert len(done) == 2
    assert all(_set(r)["complete"] and "progress" not in _set(r) for r in done)
    events = (await call("GET", "events/?op=query&level=DEBUG&limit=3")).json["events"]
    assert {e["type"] for e in events} >= {"Region import info"}
    hidden = (await call("GET", "events/?op=query&limit=1000")).json["events"]
    assert not [e for e in hidden if e["type"] == "Region import info"]


async def test_a_second_import_and_a_stop_do_nothing_to_a_stalled_one(region, call) -> None:
    await _select(call, "bionic")
    await call("POST", "boot-resources/?op=import")
    while not await _resources(call, "bionic"):
        await asyncio.sleep(0.01)
    region.faults.set("stalled-import")
    before = [_set(r)["progress"] for r in await _resources(call, "bionic")]
    assert (await call("POST", "boot-resources/?op=import")).status == 200
    assert (await call("POST", "boot-resources/?op=stop_import")).status == 200
    await asyncio.sleep(0.2)
    assert (await call("GET", "boot-resources/?op=is_importing")).json is True
    assert [_set(r)["progress"] for r in await _resources(call, "bionic")] == before
    region.faults.clear()
    await _until_idle(call)
    assert await _resources(call, "bionic") == []  # the stop was heard at last, and the half image removed


async def test_stop_removes_the_half_image(call) -> None:
    await _select(call, "bionic")
    await call("POST", "boot-resources/?op=import")
    while not await _resources(call, "bionic"):
        await asyncio.sleep(0.01)
    await call("POST", "boot-resources/?op=stop_import")
    await _until_idle(call)
    assert await _resources(call, "bionic") == []


async def test_after_a_killed_region_the_first_import_only_cleans_up(region, call) -> None:
    await _select(call, "bionic")
    await call("POST", "boot-resources/?op=import")
    while not await _resources(call, "bionic"):
        await asyncio.sleep(0.01)
    region.imports.kill_region()
    assert (await call("GET", "boot-resources/?op=is_importing")).json is False
    assert not _set((await _resources(call, "bionic"))[0])["complete"]
    await call("POST", "boot-resources/?op=import")
    await _until_idle(call)
    assert await _resources(call, "bionic") == []
    await call("POST", "boot-resources/?op=import")
    await _until_idle(call)
    assert all(_set(r)["complete"] for r in await _resources(call, "bionic"))


async def test_a_deselected_release_goes_with_the_next_import_only(call) -> None:
    source = (await call("GET", "boot-sources/")).json[0]["id"]
    chosen = (await call("GET", f"boot-sources/{source}/selections/")).json
    noble = next(s["id"] for s in chosen if s["release"] == "noble")
    assert (await call("DELETE", f"boot-sources/{source}/selections/{noble}/")).status == 204
    assert await _resources(call, "noble")
    await call("POST", "boot-resources/?op=import")
    await _until_idle(call)
    assert await _resources(call, "noble") == []


@pytest.mark.parametrize("release", ["zorgon"])
async def test_a_release_that_the_mirror_lacks(call, release: str) -> None:
    source = (await call("GET", "boot-sources/")).json[0]["id"]
    data = {"os": "ubuntu", "release": release, "arches": "amd64"}
    answer = await call("POST", f"boot-sources/{source}/selections/", data)
    assert answer.json == {"os": [f"OS ubuntu with release {release} has no available images for download"]}
