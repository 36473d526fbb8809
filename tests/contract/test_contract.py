"""Replays recordings of real regions against the stand-in."""

from __future__ import annotations

import json

import pytest

from tests.contract import compare
from tests.contract.client import send
from tests.contract.exchanges import VERSIONS, Exchange, load
from tests.contract.lab import make_lab, prepare
from tests.contract.not_replayed import NOT_REPLAYED

ALL = [(folder, exchange) for folder in VERSIONS for exchange in load(folder)]
REPLAYED = [(f, e) for f, e in ALL if e.name not in NOT_REPLAYED[f]]


def test_every_recording_is_replayed_or_listed_with_a_reason() -> None:
    names = {folder: {e.name for f, e in ALL if f == folder} for folder in VERSIONS}
    for folder, listed in NOT_REPLAYED.items():
        assert set(listed) <= names[folder], "lists recordings that do not exist"
        assert all(reason.strip() for reason in listed.values())
        replayed = {e.name for f, e in REPLAYED if f == folder}
        assert replayed | set(listed) == names[folder]
        assert len(replayed) > 0.9 * len(names[folder])


@pytest.mark.parametrize(("folder", "exchange"), [pytest.param(f, e, id=f"{f}-{e.name}") for f, e in REPLAYED])
async def test_answers_as_recorded(folder: str, exchange: Exchange) -> None:
    region = make_lab(VERSIONS[folder])
    await region.start()
    try:
        prepare(region, exchange)
        given = await send(region, exchange)
    finally:
        await region.stop()
    assert (given.status, given.content_type) == (exchange.status, exchange.answer_type), given.text[:300]
    if exchange.trimmed and not exchange.is_json:
        return
    if exchange.is_json and exchange.status >= 400:
        assert compare.same_json_error(exchange.answer, given.text), f"{exchange.answer} != {given.text}"
    elif exchange.is_json and exchange.answer:
        start = "$.by-id" if "op=power_parameters" in exchange.url and "/?" in exchange.url else "$"
        start = "$" if "/machines/?" not in exchange.url and "/rackcontrollers/?" not in exchange.url else start
        assert compare.differences(exchange.json(), json.loads(given.text), start) == []
    elif exchange.status >= 400:
        assert compare.plain(given.text) == compare.plain(exchange.answer)
