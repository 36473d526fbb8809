"""The audit as JSON lines: complete after crashes and moved files, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.audit import Audit
from bot.audit.chain import check_lines
from bot.audit.mirror import FileMirror, StreamMirror, mirror_for
from bot.audit.record import Record
from bot.storage import Database
from tests.audit.kit import entry, fill, numbers, rows, watched
from tests.support.harness import until


async def test_records_come_after_their_commit_and_are_the_same(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await fill(sqlite, 700)
    async with watched(sqlite, FileMirror(path)) as (service, _):
        await service.append(entry(words="one more"))
        await until(lambda: path.exists() and len(path.read_bytes().splitlines()) == 701)
    lines = path.read_text().splitlines()
    assert [Record.from_line(line) for line in lines] == [Record.of(row) for row in await rows(sqlite)]
    assert check_lines(lines).whole
    assert path.stat().st_mode & 0o077 == 0


async def test_a_record_of_another_bot_comes_too(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with watched(sqlite, FileMirror(path)):
        await fill(sqlite, 3)
        await until(lambda: path.exists() and len(path.read_bytes().splitlines()) == 3)


@pytest.mark.parametrize("torn", ["", '{"at":"20', "\x00" * 4096, "x" * 200_000])
async def test_it_goes_on_where_a_crash_cut_it_off(sqlite: Database, tmp_path: Path, torn: str) -> None:
    path = tmp_path / "audit.jsonl"
    await fill(sqlite, 5)
    lines = [Record.of(row).line() for row in await rows(sqlite)]
    path.write_text("".join(f"{line}\n" for line in lines[:3]) + torn)
    async with watched(sqlite, FileMirror(path)):
        await until(lambda: path.read_text().splitlines() == lines, what="the file to be whole")


async def test_a_torn_first_line_is_cut_off(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"torn')
    await fill(sqlite, 2)
    async with watched(sqlite, FileMirror(path)):
        await until(lambda: path.read_text().count("\n") == 2)
    assert numbers(path) == [1, 2]


_WRITER = """
import asyncio, sys, time
from pathlib import Path
from bot.audit import Audit, Entry, Rhythm
from bot.audit.mirror import FileMirror
from bot.storage import Database

async def main(folder):
    database = Database(f"sqlite:///{folder / 'maasbot.sqlite'}")
    await database.create()
    service = Audit(database, FileMirror(folder / "audit.jsonl"), rhythm=Rhythm(look=0.001))
    await service.start()
    while True:
        await service.append(Entry("operation.step", words="x" * 2000))

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.chaos
async def test_killed_again_and_again_it_misses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for turn in range(4):
        writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(tmp_path)], cwd=Path.cwd())
        try:
            wanted = (turn + 1) * 60
            await until(lambda wanted=wanted: path.exists() and path.read_bytes().count(b"\n") >= wanted, 60)
        finally:
            writer.kill()
            writer.wait()
    database = Database(f"sqlite:///{tmp_path / 'maasbot.sqlite'}")
    async with watched(database, FileMirror(path)):
        stored = [Record.of(row).line() for row in await rows(database)]
        await until(lambda: path.read_text().splitlines() == stored, what="the mirror to catch up")
        assert (await Audit(database, FileMirror(path)).verify()).whole
    database.close()


async def test_a_file_that_is_moved_away_is_begun_anew(sqlite: Database, tmp_path: Path) -> None:
    path, moved = tmp_path / "audit.jsonl", tmp_path / "audit.1"
    async with watched(sqlite, FileMirror(path)) as (service, _):
        await fill(sqlite, 3)
        await until(lambda: path.exists() and numbers(path) == [1, 2, 3])
        path.rename(moved)
        await service.append(entry())
        await until(lambda: path.exists() and numbers(path) == [4])
    assert numbers(moved) == [1, 2, 3]


async def test_of_two_bots_one_writes_and_the_other_takes_over(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    async with watched(sqlite, FileMirror(path)) as (second, _):
        async with watched(sqlite, FileMirror(path)) as (first, _):
            await fill(sqlite, 3)
            await until(lambda: path.exists() and numbers(path) == [1, 2, 3])
            assert (first.health.mirror, second.health.mirror) == ("", "")
        await fill(sqlite, 2)
        await until(lambda: numbers(path) == [1, 2, 3, 4, 5])


async def test_standard_output_gets_each_record_once_over_restarts(sqlite: Database, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    await fill(sqlite, 3)
    got = b""
    os.set_blocking(reading, False)
    for turn in range(2):
        async with watched(sqlite, StreamMirror(writing, tmp_path / "mark.json")) as (service, _):
            await service.append(entry())
            await until(lambda turn=turn: service.health.records == 4 + turn)
        got += os.read(reading, 1 << 16)
    assert [json.loads(line)["seq"] for line in got.splitlines()] == [1, 2, 3, 4, 5]
    os.close(reading)
    os.close(writing)


async def test_standard_output_that_nobody_reads_holds_nobody_up(sqlite: Database, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    async with watched(sqlite, StreamMirror(writing, tmp_path / "mark.json")) as (service, _):
        await fill(sqlite, 300)
        await until(lambda: service.health.mirror == "nobody reads standard output")
        assert service.health.behind > 0
        await service.append(entry())
        got: list[bytes] = []

        def read() -> None:
            while b"".join(got).count(b"\n") < 301:
                got.append(os.read(reading, 1 << 16))

        await asyncio.wait_for(asyncio.to_thread(read), 20)
        lines = b"".join(got).decode().splitlines()
        assert [Record.from_line(line) for line in lines] == [Record.of(row) for row in await rows(sqlite)]
        await until(lambda: not service.health.mirror)
    os.close(reading)
    os.close(writing)


def test_what_the_setting_means(tmp_path: Path) -> None:
    assert mirror_for(None, tmp_path) is None
    assert mirror_for("", tmp_path) is None
    assert isinstance(mirror_for("-", tmp_path), StreamMirror)
    assert isinstance(mirror_for("/var/log/maasbot/audit.jsonl", tmp_path), FileMirror)
