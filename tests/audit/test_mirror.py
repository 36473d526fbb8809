"""The audit as JSON lines: complete after crashes, moved files and full disks, and never in anybody's way."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot import audit
from bot.audit import Audit, Rhythm
from bot.audit.chain import check_lines
from bot.audit.mirror import FileMirror, Mirror, MirrorError, StreamMirror, mirror_for
from bot.audit.record import Record
from bot.storage import Database
from bot.telemetry import Metrics
from tests.audit.kit import entry, fill, force, rows
from tests.support.harness import until

QUICK = Rhythm(look=0.02, hurry=0.01, verify=0.02)


@asynccontextmanager
async def watched(database: Database, mirror: Mirror | None = None) -> AsyncIterator[tuple[Audit, Metrics]]:
    metrics = Metrics()
    service = Audit(database, mirror, metrics, rhythm=QUICK)
    await service.start()
    try:
        yield service, metrics
    finally:
        await service.close()


def numbers(path: Path) -> list[int]:
    return [json.loads(line)["seq"] for line in path.read_text().splitlines()]


def figure(metrics: Metrics, name: str) -> float:
    text = metrics.text().decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


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


_FULL = """
import asyncio, json, resource, sys
from pathlib import Path
from bot.audit import Audit, Entry, Rhythm
from bot.audit.mirror import FileMirror
from bot.storage import Database
from bot.telemetry import Metrics, set_up_logging

async def main(folder):
    set_up_logging("error", "json")
    database = Database(f"sqlite:///{folder / 'maasbot.sqlite'}")
    await database.create()
    metrics = Metrics()
    service = Audit(database, FileMirror(folder / "small" / "audit.jsonl"), metrics, rhythm=Rhythm(look=0.02))
    await service.start()
    slowest = 0.0
    for number in range(40):
        began = asyncio.get_running_loop().time()
        await service.append(Entry("operation.step", words="x" * 4000))
        slowest = max(slowest, asyncio.get_running_loop().time() - began)
    await asyncio.sleep(0.3)
    print(json.dumps({"mirror": service.health.mirror, "behind": service.health.behind, "slowest": slowest,
                      "metrics": metrics.text().decode()}), flush=True)
    sys.stdin.readline()
    for _ in range(300):
        await asyncio.sleep(0.02)
        if not service.health.mirror:
            break
    print(json.dumps({"mirror": service.health.mirror, "behind": service.health.behind}), flush=True)
    await service.close()

asyncio.run(main(Path(sys.argv[1])))
"""


async def test_a_full_disk_holds_nobody_up_and_is_made_up_for(tmp_path: Path) -> None:
    """On a file system of 64 KiB, where the kernel lets us make one."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs to mount a tmpfs: {mounted.stderr.decode().strip()}")
    bot = subprocess.Popen(
        [sys.executable, "-c", _FULL, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert bot.stdin is not None
        assert bot.stdout is not None
        told = json.loads(await asyncio.to_thread(bot.stdout.readline))
        assert "No space left" in told["mirror"]
        assert told["behind"] > 0
        assert told["slowest"] < 2.0
        assert f"maasbot_audit_mirror_behind {float(told['behind'])}" in told["metrics"]
        path = small / "audit.jsonl"
        assert path.read_text() == "" or path.read_text().endswith("\n"), "no half lines"
        subprocess.run(["mount", "-o", "remount,size=8m", str(small)], check=True)
        bot.stdin.write("\n")
        bot.stdin.flush()
        assert json.loads(await asyncio.to_thread(bot.stdout.readline)) == {"mirror": "", "behind": 0}
        assert await asyncio.to_thread(bot.wait, 20) == 0
        assert numbers(path) == list(range(1, 41))
    finally:
        bot.kill()
        bot.wait()
        subprocess.run(["umount", "-l", str(small)], check=True)


async def test_a_limit_on_files_is_told_and_leaves_no_half_line(tmp_path: Path) -> None:
    """The same as a full disk for the mirror alone, without a file system of its own."""
    path = tmp_path / "audit.jsonl"
    program = textwrap.dedent(
        """
        import resource, sys
        from pathlib import Path
        from bot.audit.mirror import FileMirror, MirrorError
        from bot.audit.record import Record
        mirror = FileMirror(Path(sys.argv[1]))
        assert mirror.open() is None
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 20_000))
        records = [Record(n, "2026-01-01T00:00:00.000000Z", "0" * 64, "0" * 64,
                          '{"at":"2026","seq":%d,"words":"%s"}' % (n, "x" * 3000)) for n in range(1, 9)]
        mirror.write(records[:1])
        try:
            mirror.write(records[1:])
        except MirrorError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        assert mirror.open().seq == 1
        mirror.write(records[1:4])
        """
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "can't be written (File too large)" in done.stdout
    assert numbers(path) == [1, 2, 3, 4]


async def test_a_file_of_something_else_is_left_alone(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("dear diary\n")
    await fill(sqlite, 2)
    async with watched(sqlite, FileMirror(path)) as (service, metrics):
        await until(lambda: service.health.mirror)
        assert "no audit record" in service.health.mirror
        assert service.health.behind == 2
        await until(lambda: figure(metrics, "maasbot_audit_mirror_behind") == 2)
    assert path.read_text() == "dear diary\n"


@pytest.mark.parametrize("where", ["missing/audit.jsonl", "."])
async def test_a_place_that_can_not_be_written_is_told(sqlite: Database, tmp_path: Path, where: str) -> None:
    async with watched(sqlite, FileMirror(tmp_path / where)) as (service, _):
        await service.append(entry())
        await until(lambda: service.health.mirror)
        assert service.health.behind == 1


async def test_a_database_that_was_cut_short_is_missed_by_the_file(sqlite: Database, tmp_path: Path) -> None:
    """Even when the head row was made to fit."""
    path = tmp_path / "audit.jsonl"
    await fill(sqlite, 5)
    async with watched(sqlite, FileMirror(path)):
        await until(lambda: path.exists() and path.read_bytes().count(b"\n") == 5)
    last = (await rows(sqlite))[2]["hash"]
    await force(sqlite, "DELETE FROM audit_records WHERE seq > 3", f"UPDATE audit_head SET seq = 3, hash = '{last}'")
    assert (await Audit(sqlite).verify()).whole, "without the file nobody could know"
    broken = (await Audit(sqlite, FileMirror(path)).verify()).broken
    assert broken == audit.Break(5, f"record 5 was written to {path} and is no longer here")
    async with watched(sqlite, FileMirror(path)) as (service, metrics):
        await until(lambda: service.health.broken == broken)
        await until(lambda: figure(metrics, "maasbot_audit_broken") == 1)
        await service.append(entry())
    assert path.read_bytes().count(b"\n") == 5, "what it knows is not written over"


async def test_a_history_that_was_written_anew_is_found_by_the_file(sqlite: Database, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    await fill(sqlite, 3)
    async with watched(sqlite, FileMirror(path)):
        await until(lambda: path.exists() and path.read_bytes().count(b"\n") == 3)
    await force(sqlite, "DELETE FROM audit_records", f"UPDATE audit_head SET seq = 0, hash = '{'0' * 64}'")
    await fill(sqlite, 3, words="nothing happened")
    assert (await Audit(sqlite).verify()).whole
    broken = (await Audit(sqlite, FileMirror(path)).verify()).broken
    assert broken is not None
    assert "record 3 is not the one that was written" in broken.reason


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


def test_a_mirror_that_could_not_be_written_fails_its_check(tmp_path: Path) -> None:
    FileMirror(tmp_path / "audit.jsonl").check()
    with pytest.raises(MirrorError, match="is not there"):
        FileMirror(tmp_path / "missing" / "audit.jsonl").check()
