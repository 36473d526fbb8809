"""Jobs: claimed once, run once, one at a time; lost ones are told as lost, and secrets are nowhere afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.host.helper.base import Refused
from bot.host.helper.files import Lock, whole_characters
from bot.host.helper.jobs import Jobs
from bot.host.helper.program import Door, main
from tests.host import standin_runner
from tests.project.places import ROOT

SECRET = "p4ss'\"$(word)"


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    place = standin_runner.place(str(tmp_path))
    place.environ["PYTHONPATH"] = str(ROOT)
    return Jobs(place)


def start(jobs: Jobs, job: str, text: str, secret: str = SECRET) -> dict[str, Any]:
    return jobs.start(job, "nap", {"text": text}, {"database_password": secret} if secret else {})


def end(jobs: Jobs, job: str) -> dict[str, Any]:
    told = jobs.status(job, 0, 100_000, 30)
    while told["state"] == "running":
        told = jobs.status(job, told["log"]["next_offset"], 100_000, 30)
    return told


def runner(jobs: Jobs, job: str) -> int:
    """The process that holds the job's lock."""
    found = subprocess.run(
        ["pgrep", "-f", f"{jobs.place.root} --run {job}"], capture_output=True, text=True, check=True
    )
    return int(found.stdout.split()[0])


def everything_written(root: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in root.rglob("*") if path.is_file())


def test_a_job_runs_once_however_often_it_is_asked_for(jobs: Jobs, tmp_path: Path):
    first = start(jobs, "op-1", "0.3")
    assert (first["state"], first["fresh"]) == ("running", True)
    again = start(jobs, "op-1", "0.3")
    assert (again["state"], again.get("fresh")) == ("running", None)
    told = end(jobs, "op-1")
    assert (told["rc"], told["outcome"]["changed"]) == (0, True)
    assert start(jobs, "op-1", "0.3")["state"] == "done"
    assert (tmp_path / "did").read_text().count("0.3") == 1
    # Another id finds it done already.
    start(jobs, "op-2", "0.3")
    assert end(jobs, "op-2")["outcome"] == {"changed": False, "found": "did it", "facts": {}}


def test_secrets_reach_no_file_no_log_and_no_outcome(jobs: Jobs, tmp_path: Path):
    for job, text in (("op-1", "0"), ("op-2", "fail"), ("op-3", "break")):
        start(jobs, job, text)
        end(jobs, job)
    (tmp_path / "did").unlink()  # the step's own doing
    written = everything_written(tmp_path)
    assert "child [hidden]" in jobs.log("op-1", 0)["text"]
    assert SECRET not in written
    assert SECRET.replace("'", "''") not in written
    assert not list((tmp_path / "run/maasbot").iterdir())


def test_a_failed_step_says_why_and_a_broken_one_only_where(jobs: Jobs):
    start(jobs, "op-1", "fail")
    told = end(jobs, "op-1")
    assert told["rc"] == 1
    assert told["outcome"]["cause"] == "disk_full"
    assert told["outcome"]["message"] == "no room for [hidden]"
    assert told["outcome"]["remedy"] == "Make room."
    start(jobs, "op-2", "break", secret="")
    told = end(jobs, "op-2")
    assert told["outcome"]["cause"] == "crashed"
    assert told["outcome"]["message"].startswith("the program on the host failed: ValueError in apply, line ")


def test_whoever_waits_learns_the_end_with_the_start(jobs: Jobs):
    door = Door(jobs.place)
    door.steps = {"nap": standin_runner.Nap()}

    def run(job: str, text: str, **more: Any) -> dict[str, Any]:
        request = {"protocol": 1, "verb": "run", "step": "nap", "job": job, "arguments": {"text": text}, **more}
        found: dict[str, Any] = door.answer(json.dumps(request).encode())["result"]
        return found

    told = run("op-1", "0.2", wait=30, offset=0)
    assert (told["state"], told["rc"], told["fresh"]) == ("done", 0, True)
    assert "after: did it" in told["log"]["text"]
    again = run("op-1", "0.2", wait=30)
    assert (again["state"], again["fresh"]) == ("done", False)
    assert "log" not in again
    # No longer than it says; and without it as ever.
    assert run("op-2", "1.5", wait=0.1)["state"] == "running"
    assert run("op-2", "1.5")["state"] == "running"
    assert end(jobs, "op-2")["rc"] == 0


def test_one_job_at_a_time_and_an_id_is_for_one_thing(jobs: Jobs):
    start(jobs, "op-1", "1")
    with pytest.raises(Refused) as busy:
        start(jobs, "op-2", "0")
    assert busy.value.code == "busy"
    assert busy.value.told()["holder"]["job"] == "op-1"
    with pytest.raises(Refused) as conflict:
        start(jobs, "op-1", "2")
    assert conflict.value.code == "conflict"
    assert jobs.running() == "op-1"
    end(jobs, "op-1")
    start(jobs, "op-2", "0")
    assert end(jobs, "op-2")["rc"] == 0


def test_two_bots_at_once_start_one_job(jobs: Jobs, tmp_path: Path):
    def one(number: int) -> str:
        try:
            return str(start(jobs, f"op-{number}", "0.5").get("fresh"))
        except Refused as refusal:
            return refusal.code

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(one, range(100, 106)))
    assert sorted(outcomes) == ["True", *["busy"] * 5]

    def same(_: int) -> bool:
        return bool(start(jobs, "op-200", "0.01").get("fresh"))

    end(jobs, next(f"op-{100 + index}" for index, said in enumerate(outcomes) if said == "True"))
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(same, range(6))) == 1
    end(jobs, "op-200")
    assert (tmp_path / "did").read_text().count("0.01\n") == 1


def test_a_killed_runner_is_lost_for_good_and_its_secrets_with_it(jobs: Jobs, tmp_path: Path):
    start(jobs, "op-1", "30")
    os.killpg(runner(jobs, "op-1"), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while jobs.told("op-1")["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert jobs.told("op-1")["state"] == "lost"
    assert start(jobs, "op-1", "30")["state"] == "lost"
    assert standin_runner.run_job(jobs.place, "op-1", {"nap": standin_runner.Nap()}) == 1
    assert not (tmp_path / "did").exists()
    start(jobs, "op-2", "0")
    assert end(jobs, "op-2")["rc"] == 0


def test_a_claim_whose_start_never_came_is_lost_and_a_late_runner_does_nothing(jobs: Jobs, tmp_path: Path):
    jobs.ready()
    os.mkdir(jobs.path("op-1"))
    (Path(jobs.path("op-1")) / "request.json").write_text('{"step": "nap", "arguments": {"text": "0"}}')
    (tmp_path / "run/maasbot/op-1").write_text('{"database_password": "x"}')
    # Also to the bot that sends the same request again.
    jobs_said = start(jobs, "op-1", "0")
    assert jobs_said["state"] == "lost"
    assert not (tmp_path / "run/maasbot/op-1").exists()
    assert standin_runner.run_job(jobs.place, "op-1", {"nap": standin_runner.Nap()}) == 1
    assert not (tmp_path / "did").exists()


def test_while_a_job_is_being_started_it_is_not_called_lost(jobs: Jobs):
    jobs.ready()
    os.mkdir(jobs.path("op-1"))
    gate = Lock(os.path.join(jobs.place.jobs, ".start"))
    assert gate.take()
    assert jobs.state("op-1") == "running"
    gate.free()
    assert jobs.state("op-1") == "lost"


def test_a_stopped_job_ends_its_programs_and_says_so(jobs: Jobs):
    start(jobs, "op-1", "31")
    time.sleep(0.3)
    os.kill(runner(jobs, "op-1"), signal.SIGTERM)
    told = end(jobs, "op-1")
    assert (told["rc"], told["outcome"]["cause"]) == (1, "timeout")
    assert subprocess.run(["pgrep", "-f", "^sleep 31$"], check=False, capture_output=True).returncode == 1


def test_status_waits_for_news_and_the_log_is_told_by_bytes(jobs: Jobs):
    begun = time.monotonic()
    start(jobs, "op-1", "0.6")
    seen, offset, progress = "", 0, None
    while True:
        told = jobs.status("op-1", offset, 7, 5)
        seen += told["log"]["text"]
        offset = told["log"]["next_offset"]
        progress = told.get("progress") or progress
        if told["state"] == "done" and offset == told["log"]["size"]:
            break
    assert time.monotonic() - begun < 5
    assert seen == jobs.log("op-1", 0)["text"]
    assert "before: not yet" in seen
    assert "after: did it" in seen
    assert progress == {"text": "half way", "percent": 50}
    with pytest.raises(Refused, match="no job"):
        jobs.status("op-nine", None, 1, 0)


@given(st.text(max_size=8), st.integers(0, 40))
def test_a_part_of_a_log_ends_with_a_whole_character(text: str, cut: int):
    data = text.encode("utf-8", "replace")[:cut]
    kept = whole_characters(data)
    assert data.startswith(kept)
    assert len(data) - len(kept) <= 3
    assert bool(kept) == bool(data)  # the reader always gets on
    if len(data) > 3:
        kept.decode()


def test_a_log_that_is_no_text_does_not_stop_the_reader():
    assert whole_characters(b"\x80\x80\x80\x80") == b"\x80\x80\x80\x80"
    assert whole_characters(b"\xf0") == b"\xf0"
    assert whole_characters(b"") == b""


def test_old_jobs_are_cleared_away(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    start(jobs, "op-1", "0")
    end(jobs, "op-1")
    os.utime(jobs.path("op-1"), (1, 1))
    start(jobs, "op-2", "0")
    end(jobs, "op-2")
    assert jobs.names() == ["op-2"]


def test_only_root_is_served_and_arguments_are_refused(tmp_path: Path):
    from bot.host.bundle import bundle

    as_nobody: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    refused = subprocess.run(
        ["/usr/bin/env", "python3", "-I", "-"], input=bundle().encode(), capture_output=True, check=False, **as_nobody
    )
    assert refused.returncode == 77
    assert b"must be run by root" in refused.stderr
    place = standin_runner.place(str(tmp_path))
    for words, code in ((["--help"], 64), (["--run"], 64), (["--run", "../x"], 64), (["--run", "op-1", "x"], 64)):
        assert main(words, place) == code
    assert main(["--run", "op-none"], place) == 1
