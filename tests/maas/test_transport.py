"""The wire: every way in which a call can fail, what is asked again, and what never leaves."""

from __future__ import annotations

import asyncio
import gzip
import json
import time

import pytest
from pydantic import SecretStr

from bot.maas.description import normalise_url
from bot.maas.errors import (
    NotFound,
    UnexpectedAnswer,
)
from bot.maas.exchange import Limits
from bot.maas.region import Region
from bot.maas.transport import Transport
from tests.maas.conftest import RETRIES, TIMEOUTS
from tests.maas.recordings import recorded
from tests.maas.transport_kit import MACHINE, SECRETS, fails
from tests.maas.wire import HANG, Reply, transport_to


@pytest.mark.parametrize(
    "written",
    [
        "http://h:5240/MAAS",
        "http://h:5240/MAAS/",
        " http://h:5240/MAAS/api/2.0",
        "http://h:5240/MAAS/api/2.0/",
        "http://h:5240//MAAS//api/2.0/?x=1#y",
    ],
)
def test_urls_are_normalised(written):
    assert normalise_url(written) == "http://h:5240/MAAS/api/2.0/"


@pytest.mark.parametrize("written", ["", "h:5240/MAAS", "ftp://h/MAAS", "http://user:pw@h/MAAS", "http:///MAAS"])
def test_wrong_urls_are_refused_without_repeating_them(written):
    with pytest.raises(ValueError, match="it must") as caught:
        normalise_url(written)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "one:two", "a:b:c:d", "a::c"])
def test_wrong_keys_are_refused_without_repeating_them(key):
    with pytest.raises(ValueError, match="three parts") as caught:
        Transport("http://h/MAAS", SecretStr(key))
    assert not key or key not in str(caught.value)


async def test_a_read_is_signed_and_wants_json(wire, region):
    wire.on("GET", "users/", recorded("2.9", "users_whoami"), op="whoami")
    assert (await region.whoami()).username == "admin"
    call = wire.calls("users/")[0]
    assert call.headers["Accept"] == "application/json"
    assert 'oauth_signature="%26THE_RIGHT_SECRET"' in call.headers["Authorization"]
    assert "gzip" in call.headers["Accept-Encoding"]
    assert not call.body


async def test_uris_go_to_the_configured_address_whatever_the_region_calls_itself(wire, region):
    # The recorded description says http://maas.test:5240.
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    assert (await region.machine("br3aen")).hostname == "m-manual"


async def test_a_post_without_arguments_sends_no_body(wire, transport):
    wire.on("POST", MACHINE, recorded("2.9", "machine_power_off_manual"), op="power_off")
    answer = await transport.call("Machine", "power_off", params={"system_id": "br3aen"})
    assert answer.body == b"null"
    call = wire.calls(MACHINE, "POST")[0]
    assert call.body == b""
    assert "multipart" not in call.headers.get("Content-Type", "")


async def test_a_delete_and_a_put_without_arguments_send_no_body(wire, transport):
    wire.on("DELETE", MACHINE, Reply(204, b""))
    wire.on("PUT", MACHINE, recorded("2.9", "machine_read"))
    await transport.call("Machine", "delete", params={"system_id": "br3aen"})
    await transport.call("Machine", "update", params={"system_id": "br3aen"})
    assert [call.body for call in wire.seen if call.method in {"PUT", "DELETE"}] == [b"", b""]


async def test_arguments_travel_as_a_form(wire, region):
    wire.on("POST", MACHINE, recorded("2.9", "machine_read"), op="commission")
    await region.commission(
        "br3aen",
        enable_ssh=True,
        skip_networking=True,
        testing_scripts=(),
        commissioning_scripts=["a", "b"],
        parameters={"smartctl_x": "ü"},
    )
    call = wire.calls(MACHINE, "POST")[0]
    fields = dict(_parts(call))
    assert fields == {
        "enable_ssh": "1",
        "skip_networking": "1",
        "testing_scripts": "none",
        "commissioning_scripts": "a,b",
        "smartctl_x": "ü",
    }


def _parts(call):
    import base64
    from email import message_from_bytes

    header = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
    for part in message_from_bytes(header + call.body).get_payload():
        name = part.get_param("name", header="content-disposition")
        yield name, base64.b64decode(part.get_payload()).decode()


async def test_a_null_body_of_an_action_is_followed_by_a_read(wire, region):
    wire.on("POST", MACHINE, Reply(200, "null"), op="abort")
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    assert (await region.abort("br3aen", "enough")).system_id == "br3aen"


async def test_repeated_and_awkward_values_in_queries(wire, region):
    wire.on("GET", "machines/", Reply(200, "[]"))
    await region.machines(ids=["a", "b c&d"], filters={"pool": ["x", "y"], "zone": "ä"})
    assert wire.calls("machines/")[0].query == [
        ("pool", "x"), ("pool", "y"), ("zone", "ä"), ("id", "a"), ("id", "b c&d"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_an_empty_id_never_becomes_the_path_of_the_list(wire, region, name):
    await fails(region.machine(name), NotFound)
    assert not wire.calls("machines/")


async def test_ids_are_escaped_in_paths(wire, region):
    await fails(region.machine("../users/{x}?op=whoami"), NotFound)
    assert wire.seen[-1].path == "machines/..%2Fusers%2F%7Bx%7D%3Fop%3Dwhoami/"


async def test_gzip_is_understood(wire, region):
    body = gzip.compress(recorded("2.9", "machine_read").body)
    wire.on("GET", MACHINE, Reply(200, body, headers={"Content-Encoding": "gzip"}))
    assert (await region.machine("br3aen")).system_id == "br3aen"


async def test_long_lists_leave_room_for_short_reads(wire, url):
    wire.on("GET", "machines/", HANG)
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    async with transport_to(url, timeouts=TIMEOUTS, limits=Limits(read=2, list=2, power=1, write=1)) as transport:
        region = Region(transport)
        lists = [asyncio.ensure_future(region.machines()) for _ in range(10)]
        while len(wire.calls("machines/")) < 2:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await asyncio.gather(*(region.machine("br3aen") for _ in range(10)))
        assert time.monotonic() - began < 1
        assert len(wire.calls("machines/")) == 2
        for one in lists:
            one.cancel()
        await asyncio.gather(*lists, return_exceptions=True)


async def test_the_description_is_fetched_once_and_kept_by_its_hash(wire, url, tmp_path):
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    async with transport_to(url, tmp_path) as transport:
        await asyncio.gather(*(Region(transport).machine("br3aen") for _ in range(5)))
    assert len(wire.calls("describe/")) == 1
    assert not any(call.headers.get("Authorization") for call in wire.calls("describe/") + wire.calls("version/"))
    async with transport_to(url, tmp_path) as transport:
        await Region(transport).machine("br3aen")
    assert len(wire.calls("describe/")) == 1
    kept = next(tmp_path.glob("describe-*.json"))
    kept.write_text("{ broken")
    async with transport_to(url, tmp_path) as transport:
        await Region(transport).machine("br3aen")
    assert len(wire.calls("describe/")) == 2
    assert json.loads(kept.read_text())["resources"]


async def test_an_upgraded_region_is_described_anew(wire, url, tmp_path, monkeypatch):
    monkeypatch.setattr("bot.maas.transport.DESCRIPTION_REST", 0.0)
    body = recorded("2.9", "machine_read").body
    upgraded = Reply(200, body, headers={"X-Maas-Api-Hash": "29b8898cd6164c9b0adae16fe79c9932fe40e145"})
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"), upgraded)
    async with transport_to(url, tmp_path) as transport:
        region = Region(transport)
        for _ in range(3):
            await region.machine("br3aen")
            wire.on("GET", "describe/", recorded("3.4.10", "describe"))
            wire.on("GET", MACHINE, upgraded)
        assert len(wire.calls("describe/")) == 2
        assert len(list(tmp_path.glob("describe-*.json"))) == 2
        wire.on("GET", "machines/br3aen/", Reply(200, '"token"'), op="get_token")
        assert (await transport.call("Machine", "get_token", params={"system_id": "br3aen"})).body == b'"token"'


@pytest.mark.parametrize("body", ["[]", "nope", '{"resources": [{"name": 1}]}'])
async def test_a_description_that_is_none(wire, region, body):
    wire.on("GET", "describe/", Reply(200, body))
    await fails(region.version(), UnexpectedAnswer)


async def test_a_call_that_the_region_does_not_have(transport):
    error = await fails(transport.call("Machine", "bind"), UnexpectedAnswer)
    assert "another version" in error.remedy
    await fails(transport.call("handlers", "read"), UnexpectedAnswer)


async def test_every_exchange_is_counted(wire, url):
    counted = []
    wire.on("GET", MACHINE, Reply(503, ""), recorded("2.9", "machine_read"))
    async with transport_to(url, retries=RETRIES, on_call=lambda *call: counted.append(call)) as transport:
        await Region(transport).machine("br3aen")
    assert [call[:3] for call in counted] == [
        ("GET", "Version.read", 200),
        ("GET", "describe", 200),
        ("GET", "Machine.read", 503),
        ("GET", "Machine.read", 200),
    ]
    assert all(call[3] >= 0 for call in counted)


async def test_the_key_is_in_no_repr(transport):
    shown = f"{transport!r} {Region(transport)!r}"
    assert not any(secret in shown for secret in SECRETS)


def test_python_libmaas_is_used_without_its_object_layer():
    import subprocess
    import sys

    code = "import sys, bot.maas.region, bot.maas.watcher; print('maas.client.viscera' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
