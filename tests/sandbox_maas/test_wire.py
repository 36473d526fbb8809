"""What a client meets on the wire: keys, ops, bodies, filters, events."""

from __future__ import annotations

import asyncio
import time

import aiohttp
import pytest
from maas.client.bones import SessionAPI
from maas.client.utils.creds import Credentials

from tests.contract.client import sign


async def test_a_nonce_works_once(region, call) -> None:
    header = sign(region.api_key)
    assert (await call("GET", "users/?op=whoami", header=header)).status == 200
    again = await call("GET", "users/?op=whoami", header=header)
    assert again.status == 401
    assert again.text.startswith("Authorization Error: 'Nonce already used: ")


async def test_a_clock_that_is_wrong_gets_401(region, call) -> None:
    answer = await call("GET", "users/?op=whoami", header=sign(region.api_key, at=time.time() - 301))
    assert answer.status == 401
    assert "has a greater difference than threshold 300" in answer.text


async def test_a_wrong_secret_is_answered_with_the_right_one(region, call) -> None:
    consumer, token, secret = region.api_key.split(":")
    answer = await call("GET", "users/?op=whoami", header=sign(f"{consumer}:{token}:wrong"))
    assert answer.status == 401
    assert secret in answer.text
    assert answer.headers["WWW-Authenticate"] == 'OAuth realm="OAuth"'


async def test_a_new_token_works_and_a_deleted_one_does_not(call) -> None:
    made = (await call("POST", "account/?op=create_authorisation_token", {"name": "bot"})).json
    key = f"{made['consumer_key']}:{made['token_key']}:{made['token_secret']}"
    assert (await call("GET", "users/?op=whoami", key=key)).json["username"] == "admin"
    await call("POST", "account/?op=delete_authorisation_token", {"token_key": made["token_key"]})
    assert (await call("GET", "users/?op=whoami", key=key)).status == 401


async def test_a_multipart_body_without_parts_is_not_answered(region, call, machine) -> None:
    url = f"{region.url}/api/2.0/machines/{machine('node-3')}/?op=commission"
    headers = {"Authorization": sign(region.api_key), "Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(aiohttp.ServerDisconnectedError):
        async with call.session.post(url, data=b"--x--\r\n", headers=headers):
            pass
    assert not region.effects


async def test_json_and_multipart_bodies_are_read_like_forms(region, call) -> None:
    url = f"{region.url}/api/2.0/maas/?op=set_config"
    for body in ({"json": {"name": "maas_name", "value": "a"}}, {"data": _multipart("b")}):
        async with call.session.post(url, headers={"Authorization": sign(region.api_key)}, **body) as answer:
            assert (answer.status, await answer.text()) == (200, "OK")
    assert region.world.settings["maas_name"] == "b"


def _multipart(value: str) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("name", "maas_name")
    form.add_field("value", value)
    return form


async def test_filters_by_version(region, call) -> None:
    ready = (await call("GET", "machines/?status=ready")).json
    assert {m["status_name"] for m in ready} == {"Ready"}
    by_id = "&".join(f"id={m['system_id']}" for m in ready)
    assert [m["system_id"] for m in (await call("GET", f"machines/?{by_id}")).json] == [m["system_id"] for m in ready]
    assert (await call("GET", "machines/?limit=3")).json == {"limit": ["No such constraint."]}
    assert (await call("GET", "machines/?status=4")).status == 400
    owner = await call("GET", "machines/?owner=admin")
    assert owner.status == (400 if region.world.old else 200)
    tagged = (await call("GET", "machines/?tags=ssd")).json
    assert tagged
    assert all("ssd" in m["tag_names"] for m in tagged)


async def test_events_are_paged_by_after_and_before(call, machine) -> None:
    await call("POST", f"machines/{machine('node-3')}/?op=commission")
    await call.until("node-3", "Ready")
    # The last that is logged of it comes a moment later.
    while (await call("GET", f"machines/{machine('node-3')}/")).json["power_state"] != "off":
        await asyncio.sleep(0.02)
    newest = (await call("GET", "events/?op=query&level=DEBUG&limit=1000")).json["events"]
    ids = [e["id"] for e in newest]
    assert ids == sorted(ids, reverse=True)
    seen: list[int] = []
    uri = f"/MAAS/api/2.0/events/?op=query&level=DEBUG&limit=7&after={ids[-1] - 1}"
    while True:
        page = (await call("GET", uri.removeprefix("/MAAS/api/2.0/"))).json
        if not page["events"]:
            break
        seen += [e["id"] for e in reversed(page["events"])]
        uri = page["next_uri"]
    assert seen == ids[::-1]
    assert uri.endswith(f"after={ids[0]}")
    older = (await call("GET", f"events/?op=query&level=DEBUG&limit=3&before={ids[5]}")).json
    assert [e["id"] for e in older["events"]] == ids[6:9]


async def test_warnings_hide_what_is_less(call) -> None:
    found = (await call("GET", "events/?op=query&level=WARNING")).json["events"]
    assert {e["level"] for e in found} == {"WARNING"}


async def test_calls_are_logged_and_counted(region, call, machine) -> None:
    await call("GET", f"machines/{machine('node-1')}/")
    await call("GET", f"machines/{machine('node-2')}/")
    assert region.counts[("GET", "machines/{system_id}/", None)] == 2
    last = region.log[-1]
    assert (last.method, last.path, last.status, last.user) == (
        "GET",
        f"machines/{machine('node-2')}/",
        200,
        "admin",
    )


async def test_python_libmaas_works_on_the_description(region, call, machine) -> None:
    described = await call("GET", "describe/")
    assert described.headers["X-Maas-Api-Hash"] == described.json["hash"]
    session = SessionAPI(described.json, Credentials.parse(region.api_key))
    assert session.Machine.uri.startswith(region.url)
    shown = await session.Machine.read(system_id=machine("node-3"))
    assert shown["hostname"] == "node-3"
    events = await session.Events.query(level="DEBUG", limit="5")
    assert events["count"] == 5
    answer = await session.Machine.commission(system_id=machine("node-3"), enable_ssh="0")
    assert answer["status_name"] == "Commissioning"
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await session.Machine.abort(system_id=machine("node-3"))  # an empty multipart body
