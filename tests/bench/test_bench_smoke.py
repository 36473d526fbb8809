"""Every measure runs, small, and its figures make sense."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator

import psutil
import pytest

from bench import __main__ as program
from bench import ack, approvals, audit, bulk, decode, doctor, start, status, takeover
from bench.report import Report, Table, percentile
from tests.support.require import require_postgresql


@pytest.fixture(scope="module", autouse=True)
def bytecode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Children share it; each would compile what it imports otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("bytecode")))
        yield


def check(report: Report) -> None:
    assert report.tables
    assert all(math.isfinite(figure) for figure in report.figures.values()), report.figures
    for table in report.tables:
        assert table.rows
        assert all(len(row) == len(table.headers) for row in table.rows)
        lines = table.markdown().splitlines()
        assert len({len(line) for line in lines}) == 1
        assert len(lines) == len(table.rows) + 2
    assert report.title in report.markdown()
    left = [child for child in psutil.Process().children(recursive=True) if "bench" in " ".join(child.cmdline())]
    assert not left


async def test_decode() -> None:
    report = await decode.measure(decode.Options(machines=30, processes=1, sides=("ours", "libmaas-read")))
    check(report)
    assert report.figures["ours_seconds"] > 0
    if sys.version_info < (3, 12):
        assert report.figures["libmaas-read/ours_seconds"] > 1
        assert report.figures["libmaas-read/ours_held"] > 2


def test_the_body_is_a_list_of_different_machines() -> None:
    machines = json.loads(decode.make_body(3))
    assert len({machine["system_id"] for machine in machines}) == 3
    assert all("interface_set" in machine for machine in machines)


async def test_ack() -> None:
    report = await ack.measure(ack.Options(machines=12, commissions=1, rate=40, seconds=0.5, rounds=1, settle=0))
    check(report)
    assert report.figures["commands"] == 20
    assert report.figures["failed"] == 0
    assert report.figures["refused"] == 0
    assert report.figures["answered"] > 0
    assert 0 < report.figures["bare_p99"] < 1


async def test_status() -> None:
    report = await status.measure(
        status.Options(machines=12, commissions=(0, 1), window=1.0, every=0.25, settle=0, quiet=0)
    )
    check(report)
    assert report.figures["answers"] >= 6
    assert 0 < report.figures["p50"] <= report.figures["p95"]
    assert report.figures["begun_1"] == 1
    assert report.figures["calls_0"] > 0


async def test_start() -> None:
    report = await start.measure(start.Options(machines=12, repeats=1, idle=0.5, rehearse=False))
    check(report)
    assert 0 < report.figures["bare"] < report.figures["fresh"]
    assert report.figures["rss"] > report.figures["bare_rss"] > 2**20


@pytest.mark.long
async def test_bulk() -> None:
    report = await bulk.measure(
        bulk.Options(fleet=24, machines=4, at_once=(2,), speed=20.0, large_fleet=24, operations=3)
    )
    check(report)
    assert report.figures["ratio"] >= 1
    assert report.figures["calls"] >= 2
    assert report.figures["refused"] == 0
    assert report.figures["rss"] > 2**20


def test_the_ideal_is_the_slowest_machine_and_its_queue() -> None:
    assert bulk.ideal([3.0, 1.0, 2.0], 3) == 3.0
    assert bulk.ideal([3.0, 1.0, 2.0], 2) == 3.0
    assert bulk.ideal([1.0, 1.0, 1.0], 1) == 3.0


def test_percentile() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.99) == 4.0
    assert percentile([5.0], 0.5) == 5.0
    assert math.isnan(percentile([], 0.5))


def test_table() -> None:
    text = Table(["what", "n"], [["a", "1"], ["bcdef", "23"]]).markdown()
    assert text.splitlines() == ["| what  |   n |", "| ----- | --: |", "| a     |   1 |", "| bcdef |  23 |"]


def test_unknown_measure_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "nonsense"])
    with pytest.raises(SystemExit) as ended:
        program.main()
    assert ended.value.code == 2
    assert "decode, start, status, ack" in capsys.readouterr().err


@pytest.mark.long
async def test_doctor() -> None:
    report = await doctor.measure(doctor.Options(rates=(50_000,), limit=2.0, waiting=(2,), window=6.0))
    check(report)
    assert report.figures["alarms_50000_2"] == 0
    assert 2 <= report.figures["message"] < 15
    assert report.figures["calls_2"] > 0


@pytest.mark.long
async def test_approvals() -> None:
    report = await approvals.measure(approvals.Options(machines=60, waiting=3, decisions=(2, 4), settle=0.5, idle=1.0))
    check(report)
    assert report.figures["decided"] == 4
    assert 0 < report.figures["p50"] <= report.figures["p99"] < 30


@pytest.mark.long
async def test_takeover() -> None:
    require_postgresql("initdb")
    report = await takeover.measure(takeover.Options(rounds=1, machines=60))
    check(report)
    assert 0 < report.figures["approval"] < 30
    assert 0 < report.figures["work"] < 30


async def test_audit() -> None:
    report = await audit.measure(audit.Options(records=500, processes=1))
    check(report)
    assert report.figures["verify_seconds"] > 0
