"""Answers that are no success: what each becomes, what its text keeps, and that no key is in it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bot.maas.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayTimeout,
    NotFound,
    RegionBusy,
    ServerFault,
    Unauthorized,
    UnexpectedAnswer,
)
from bot.maas.exchange import Kind
from tests.maas.recordings import recorded
from tests.maas.transport_kit import MACHINE, SECRETS, fails
from tests.maas.wire import API_KEY, Misbehaviour, Reply


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


async def test_the_region_s_words_end_before_the_remedy_begins(wire, region):
    wire.on("POST", MACHINE, Reply(409, "Node is busy", "text/plain"), op="commission")
    error = await fails(region.commission("br3aen"), Conflict)
    assert error.problem.endswith("Node is busy.")


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
    assert (error.problem, error.fields) == ("Unrecognised signature: method=GET op=nope.", {})


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
