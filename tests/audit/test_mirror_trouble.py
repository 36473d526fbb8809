"""A mirror that can't be written, and what it notices of a database that somebody changed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from bot import audit
from bot.audit import Audit
from bot.audit.mirror import FileMirror, MirrorError
from bot.storage import Database
from tests.audit.kit import entry, figure, fill, force, numbers, rows, watched
from tests.support.harness import until

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


def test_a_mirror_that_could_not_be_written_fails_its_check(tmp_path: Path) -> None:
    FileMirror(tmp_path / "audit.jsonl").check()
    with pytest.raises(MirrorError, match="is not there"):
        FileMirror(tmp_path / "missing" / "audit.jsonl").check()
