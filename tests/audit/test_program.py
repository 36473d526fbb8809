"""`maasbot audit verify` and `export`, as programs: what they print and how they end."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.audit.chain import check_lines
from bot.storage import Database
from tests.audit.kit import fill, force

SETTINGS = {
    "SLACK_BOT_TOKEN": "xoxb-1-x", "SLACK_APP_TOKEN": "xapp-1-x", "MAAS_URL": "http://127.0.0.1:9/MAAS",
    "MAAS_API_KEY": "a:b:c",
}  # fmt: skip


def maasbot(*words: str, url: str, state: Path, **more: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAAS"))}
    environment = {**clean, **SETTINGS, "MAASBOT_STATE_DIR": str(state), **more}
    if url.startswith("postgresql"):
        environment["MAASBOT_DATABASE_URL"] = url.replace("+psycopg", "")
    program = [sys.executable, "-c", "from bot.cli import main; main()", *words]
    return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path


async def test_a_whole_chain(url: str, database: Database, state: Path) -> None:
    await fill(database, 3)
    done = await asyncio.to_thread(maasbot, "audit", "verify", url=url, state=state)
    head = await database.run(lambda c: c.exec_driver_sql("SELECT hash FROM audit_head").scalar_one())
    assert (done.returncode, done.stdout) == (0, f"3 records, whole.\nHead: {head}\n"), done.stderr


async def test_a_broken_chain_names_the_first_broken_record(url: str, database: Database, state: Path) -> None:
    await fill(database, 6)
    await force(database, "UPDATE audit_records SET person_name = 'victor' WHERE seq IN (3, 5)")
    done = await asyncio.to_thread(maasbot, "audit", "verify", url=url, state=state)
    assert done.returncode == 1
    assert "Broken at record 3: record 3 was changed: person_name." in done.stderr
    assert "Records up to 2 are whole." in done.stderr


async def test_a_cut_chain(url: str, database: Database, state: Path) -> None:
    await fill(database, 6)
    await force(database, "DELETE FROM audit_records WHERE seq > 4")
    done = await asyncio.to_thread(maasbot, "audit", "verify", url=url, state=state)
    assert done.returncode == 1
    assert "Broken at record 5: records 5 to 6 are missing at the end." in done.stderr


async def test_the_file_is_compared(sqlite: Database, tmp_path: Path) -> None:
    await fill(sqlite, 3)
    url = sqlite.url.render_as_string()
    lines = await asyncio.to_thread(maasbot, "audit", "export", url=url, state=tmp_path)
    path = tmp_path / "audit.jsonl"
    path.write_text(lines.stdout)
    await force(
        sqlite, "DELETE FROM audit_records WHERE seq = 3",
        "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit_records WHERE seq = 2)",
    )  # fmt: skip
    done = await asyncio.to_thread(maasbot, "audit", "verify", url=url, state=tmp_path)
    assert done.returncode == 0
    done = await asyncio.to_thread(maasbot, "audit", "verify", url=url, state=tmp_path, MAASBOT_AUDIT_FILE=str(path))
    assert done.returncode == 1
    assert f"record 3 was written to {path}" in done.stderr


async def test_export_and_the_check_of_what_was_exported(url: str, database: Database, state: Path) -> None:
    await fill(database, 3, words="naïve <!channel> \x1b[31m 日本")
    done = await asyncio.to_thread(maasbot, "audit", "export", url=url, state=state)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert check_lines(lines).whole
    assert [json.loads(line)["words"] for line in lines] == ["naïve <!channel> \x1b[31m 日本"] * 3
    assert done.stdout.isascii(), "no terminal is written on with control characters"
    since = await asyncio.to_thread(maasbot, "audit", "export", "--since", "2023-11-14T22:13:22", url=url, state=state)
    assert [json.loads(line)["seq"] for line in since.stdout.splitlines()] == [3]
    path = state / "exported.jsonl"
    path.write_text(since.stdout)
    assert (
        await asyncio.to_thread(maasbot, "audit", "verify", "--file", str(path), url=url, state=state)
    ).returncode == 0
    path.write_text("".join(f"{line}\n" for line in (lines[0], lines[2])))
    done = await asyncio.to_thread(maasbot, "audit", "verify", "--file", str(path), url=url, state=state)
    assert (done.returncode, "record 2 is missing" in done.stderr) == (1, True)
    path.write_text(lines[0] + "\n" + lines[1].replace("C0OPS", "C0XXX") + "\n")
    done = await asyncio.to_thread(maasbot, "audit", "verify", "--file", str(path), url=url, state=state)
    assert (done.returncode, "record 2 was changed" in done.stderr) == (1, True)


async def test_a_reader_that_has_seen_enough(sqlite: Database, tmp_path: Path) -> None:
    await fill(sqlite, 2000)
    environment = {**os.environ, **SETTINGS, "MAASBOT_STATE_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", "from bot.cli import main; main()", "audit", "export"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.readline()
        program.stdout.close()
        assert program.stderr.read() == b""
    assert program.returncode == 1


def test_without_an_audit_nothing_is_made(tmp_path: Path) -> None:
    for words in (("audit", "verify"), ("audit", "export")):
        done = maasbot(*words, url="sqlite://", state=tmp_path)
        assert (done.returncode, "there is no audit yet" in done.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [("audit", "export", "--since", "yesterday"), ("audit", "verify", "--nonsense"), ("audit", "burn")]
)
def test_wrong_words(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = maasbot(*words, url="sqlite://", state=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_wrong_settings(tmp_path: Path) -> None:
    done = maasbot("audit", "verify", url="sqlite://", state=tmp_path, MAAS_URL="ftp://x")
    assert done.returncode == 2
    assert "MAAS_URL" in done.stderr
