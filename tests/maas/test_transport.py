"""The wire: every way in which a call can fail, what is asked again, and what never leaves."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import logging
import pickle
import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pydantic import SecretStr

from bot.maas.description import normalise_url
from bot.maas.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayTimeout,
    MaasError,
    NotFound,
    RegionBusy,
    RegionTimeout,
    RegionUnreachable,
    ServerFault,
    Unauthorized,
    UnexpectedAnswer,
)
from bot.maas.exchange import Kind, Limits
from bot.maas.region import Region
from bot.maas.transport import Transport
from tests.maas.conftest import RETRIES, TIMEOUTS
from tests.maas.recordings import recorded
from tests.maas.wire import API_KEY, DROP, HANG, TRUNCATE, Misbehaviour, Reply, transport_to

MACHINE = "machines/br3aen/"
SECRETS = (*API_KEY.split(":"), API_KEY)


async def fails(call, kind):
    """The error, after making sure that it is fit to be shown and can travel."""
    with pytest.raises(MaasError) as caught:
        await call
    error = caught.value
    assert type(error) is kind, repr(error)
    assert error.problem
    assert error.remedy
    shown = f"{error!s}{error!r}{error.args}{error.__dict__}{error.__cause__!r}{error.__context__!r}"
    assert not any(secret in shown for secret in SECRETS)
    assert all(character.isprintable() for character in error.problem + error.remedy)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), twin.problem, twin.remedy) == (kind, error.problem, error.remedy)
        assert (twin.status, twin.endpoint, twin.outcome_unknown) == (
            error.status,
            error.endpoint,
            error.outcome_unknown,
        )
    return error


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


# -- statuses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", [("2.9", "auth_bad_secret_401"), ("3.4.10", "auth_badsecret_401")])
async def test_a_401_leaks_nothing_of_its_body(wire, region, caplog, capsys, recording):
    answer = recorded(*recording)
    assert b"THE_RIGHT_SECRET" in answer.body
    caplog.set_level(logging.DEBUG)
    wire.on("GET", "users/", answer, op="whoami")
    error = await fails(region.whoami(), Unauthorized)
    assert "MAAS_API_KEY" in error.remedy
    assert "clock" in error.remedy
    logged = caplog.text + "".join(capsys.readouterr())
    assert "Users.whoami" in logged
    assert not any(secret in logged for secret in SECRETS)
    assert "signature" not in logged


async def test_a_wrong_clock_is_told_from_a_revoked_key(wire, region):
    behind = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    wire.on("GET", "users/", Reply(401, "Expired timestamp", headers={"Date": behind}), op="whoami")
    error = await fails(region.whoami(), Unauthorized)
    assert "ahead of the region's" in error.problem
    assert "NTP" in error.remedy


async def test_an_empty_403_is_explained_by_its_context(wire, region):
    wire.on("POST", MACHINE, recorded("2.9", "machine_commission_deployed_locked"), op="commission")
    error = await fails(region.commission("br3aen"), Forbidden)
    assert "machine br3aen" in error.problem
    assert "locked" in error.remedy


async def test_a_403_with_a_text_keeps_it(wire, region):
    wire.on("GET", "users/", Reply(403, "This method is reserved for admin users.", "text/plain"), op="whoami")
    assert "reserved for admin users" in (await fails(region.whoami(), Forbidden)).problem


@pytest.mark.parametrize(("version", "name"), [("2.9", "machine_read_404"), ("3.4.10", "machine_404")])
async def test_404(wire, region, version, name):
    wire.on("GET", MACHINE, recorded(version, name))
    error = await fails(region.machine("br3aen"), NotFound)
    assert "no machine br3aen" in error.problem


async def test_400_with_fields(wire, region):
    wire.on("POST", MACHINE, recorded("2.9", "machine_commission_deployed_400"), op="commission")
    error = await fails(region.commission("br3aen"), BadRequest)
    text = "Commission is not available because of the current state of the node."
    assert error.problem == text
    assert error.fields == {"__all__": [text]}
    wire.on("GET", "machines/", recorded("3.4.10", "machines_list_q_limit-3"))
    error = await fails(region.machines(), BadRequest)
    assert error.problem == "limit: No such constraint."
    wire.on("GET", "machines/", Reply(400, "Unrecognised signature: method=GET op=nope", "text/plain"))
    error = await fails(region.machines(), BadRequest)
    assert (error.problem, error.fields) == ("Unrecognised signature: method=GET op=nope", {})


async def test_409_as_text_and_as_a_page(wire, region):
    wire.on("POST", MACHINE, recorded("2.9", "machine_abort_nothing_to_abort"), op="abort")
    error = await fails(region.abort("br3aen"), Conflict)
    assert error.problem == "Cannot abort in current state: node br3aen is in state New."
    wire.on("POST", MACHINE, recorded("2.9", "users_create_dup_409"), op="abort")
    error = await fails(region.abort("br3aen"), Conflict)
    assert error.problem.startswith("Conflict error. Try your request again")
    assert "<" not in error.problem


async def test_503_says_how_long_to_wait_and_writes_are_not_repeated(wire, region):
    wire.on(
        "POST",
        MACHINE,
        recorded("2.9", "machine_commission_power_in_progress_503"),
        op="commission",
    )
    error = await fails(region.commission("br3aen"), RegionBusy)
    assert "another action is already in progress" in error.problem
    assert error.retry_after is None
    wire.on("POST", MACHINE, Reply(503, "later", "text/plain", {"Retry-After": "10"}), op="commission")
    assert (await fails(region.commission("br3aen"), RegionBusy)).retry_after == 10.0
    assert len(wire.calls(MACHINE, "POST")) == 2


async def test_504_of_a_bmc_is_not_asked_again(wire, transport):
    wire.on("GET", MACHINE, recorded("2.9", "machine_query_power_state_bmctimeout"), op="query_power_state")
    call = transport.call("Machine", "query_power_state", params={"system_id": "br3aen"}, kind=Kind.POWER)
    await fails(call, GatewayTimeout)
    assert len(wire.calls(MACHINE)) == 1


async def test_500_keeps_the_text_cut_and_clean(wire, region):
    wire.on("GET", MACHINE, Reply(500, "boom\x1b[31m\x00 " + "x" * 5000, "text/plain"))
    error = await fails(region.machine("br3aen"), ServerFault)
    assert "boom" in error.problem
    assert len(error.problem) < 600


async def test_a_region_that_repeats_the_key_is_silenced(wire, region):
    wire.on("GET", MACHINE, Reply(500, f"Authorization was {API_KEY} THE_RIGHT_SECRET", "text/plain"))
    assert "[redacted]" in (await fails(region.machine("br3aen"), ServerFault)).problem


@pytest.mark.parametrize(
    ("status", "headers"),
    [(302, {"Location": "/MAAS/?next=/x"}), (301, {"Location": "https://u:p@h/MAAS?k=v"})],
)
async def test_redirects_are_not_followed(wire, region, status, headers):
    wire.on("GET", MACHINE, Reply(status, b"", headers=headers))
    error = await fails(region.machine("br3aen"), UnexpectedAnswer)
    assert "u:p" not in error.problem
    assert "k=v" not in error.problem
    assert len(wire.calls(MACHINE)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, "<html><title>Router login</title></html>", "text/html"),
        Reply(200, "{ not json"),
        Reply(200, b"\xff\xfe\x00garbage"),
        Reply(200, '[{"system_id": "secret-value", "hostname"'),
        Reply(200, '{"unexpected": "shape"}'),
        Reply(200, b""),
    ],
)
async def test_what_is_no_answer_of_maas(wire, region, answer):
    wire.on("GET", MACHINE, answer)
    error = await fails(region.machine("br3aen"), UnexpectedAnswer)
    assert "secret-value" not in f"{error} {error!r} {error.__context__}"


async def test_garbage_instead_of_http(wire, region):
    wire.on("GET", MACHINE, Misbehaviour("raw", b"SSH-2.0-OpenSSH_9.2\r\n"))
    await fails(region.machine("br3aen"), UnexpectedAnswer)


# -- lost connections ----------------------------------------------------------------------------------------


async def test_refused(unused_tcp_port_here):
    async with transport_to(f"http://127.0.0.1:{unused_tcp_port_here}/MAAS", retries=RETRIES) as transport:
        error = await fails(Region(transport).version(), RegionUnreachable)
    assert "refused" in error.problem.lower() or "connect" in error.problem.lower()
    assert "MAAS_URL" in error.remedy


@pytest.fixture
def unused_tcp_port_here():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def test_unknown_host():
    async with transport_to("http://no-such-host.invalid/MAAS", retries=RETRIES) as transport:
        assert "no-such-host.invalid" in (await fails(Region(transport).version(), RegionUnreachable)).problem


async def test_reads_are_repeated_with_a_new_nonce(wire, region):
    wire.on("GET", MACHINE, DROP, Reply(503, "busy", "text/plain"), recorded("2.9", "machine_read"))
    assert (await region.machine("br3aen")).system_id == "br3aen"
    nonces = [call.nonce for call in wire.calls(MACHINE)]
    assert len(nonces) == 3
    assert len(set(nonces)) == 3


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_reads_are_repeated_a_bounded_number_of_times(wire, region, status):
    wire.on("GET", MACHINE, Reply(status, "", "text/plain"))
    with pytest.raises(MaasError):
        await region.machine("br3aen")
    assert len(wire.calls(MACHINE)) == RETRIES.attempts


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
async def test_refusals_are_not_repeated(wire, region, status):
    wire.on("GET", MACHINE, Reply(status, "no", "text/plain"))
    with pytest.raises(MaasError):
        await region.machine("br3aen")
    assert len(wire.calls(MACHINE)) == 1


async def test_a_wait_longer_than_the_deadline_is_not_waited(wire, region):
    wire.on("GET", MACHINE, Reply(503, "", "text/plain", {"Retry-After": "3600"}))
    began = time.monotonic()
    error = await fails(region.machine("br3aen"), RegionBusy)
    assert error.retry_after == 3600
    assert time.monotonic() - began < 2
    assert len(wire.calls(MACHINE)) == 1


@pytest.mark.parametrize("answer", [DROP, TRUNCATE])
async def test_a_change_whose_connection_drops_is_in_doubt_and_not_repeated(wire, region, answer):
    wire.on("POST", MACHINE, answer, op="commission")
    error = await fails(region.commission("br3aen"), RegionUnreachable)
    assert error.outcome_unknown
    assert len(wire.calls(MACHINE, "POST")) == 1


@pytest.mark.parametrize(("method", "action"), [("PUT", "update"), ("DELETE", "delete")])
async def test_not_even_the_http_library_repeats_a_change(wire, transport, method, action):
    wire.on("GET", MACHINE, recorded("2.9", "machine_read"))
    await transport.call("Machine", "read", params={"system_id": "br3aen"})
    wire.on(method, MACHINE, DROP)
    error = await fails(transport.call("Machine", action, params={"system_id": "br3aen"}), RegionUnreachable)
    assert error.outcome_unknown
    assert len(wire.calls(MACHINE, method)) == 1


async def test_a_change_that_could_not_be_sent_is_not_in_doubt(url, wire, unused_tcp_port_here, tmp_path):
    async with transport_to(url, tmp_path) as transport:
        await Region(transport).version()
    async with transport_to(url, tmp_path) as transport:
        await transport._description()
        transport._api = None
        moved = Transport(f"http://127.0.0.1:{unused_tcp_port_here}/MAAS", SecretStr(API_KEY), cache_dir=tmp_path)
        moved._seen_hash = transport._api_hash
        error = await fails(moved.call("Machine", "abort", params={"system_id": "x"}), RegionUnreachable)
        await moved.close()
    assert not error.outcome_unknown


async def test_a_read_that_breaks_off_is_repeated(wire, region):
    wire.on("GET", MACHINE, TRUNCATE, recorded("2.9", "machine_read"))
    assert (await region.machine("br3aen")).system_id == "br3aen"


async def test_time_outs(wire, region):
    wire.on("GET", MACHINE, HANG)
    began = time.monotonic()
    error = await fails(region.machine("br3aen"), RegionTimeout)
    assert not error.outcome_unknown
    assert time.monotonic() - began < 4
    assert len(wire.calls(MACHINE)) == 1, "a slow region is not made slower"
    wire.on("POST", MACHINE, HANG, op="commission")
    assert (await fails(region.commission("br3aen"), RegionTimeout)).outcome_unknown


async def test_closing_ends_calls_under_way(wire, url):
    wire.on("GET", MACHINE, HANG)
    async with transport_to(url, retries=RETRIES) as transport:
        call = asyncio.ensure_future(Region(transport).machine("br3aen"))
        while not wire.calls(MACHINE):
            await asyncio.sleep(0.01)
        await transport.close()
        await fails(call, RegionUnreachable)
        await fails(Region(transport).version(), RegionUnreachable)


# -- sharing, describing, counting -----------------------------------------------------------------------


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
