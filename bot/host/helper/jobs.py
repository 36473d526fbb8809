"""Jobs: work that outlives the connection that asked for it. Claimed once, run once, and never guessed about.

The folder of a job: `request.json` (never its secrets), `lock` (held by the runner as long as it lives), `started`,
`log`, `progress`, and at the end `rc`; or `lost`, once it is certain that no runner holds the lock or ever will.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import Any

from bot.host.helper.base import MAX_LOG, Place, Refused
from bot.host.helper.files import Lock, now, read_whole, whole_characters, write_whole

_KEPT_JOBS = 200
_KEPT_DAYS = 30
_START = 20.0
_LONGEST = 7200
_GATHER = 0.5


class Jobs:
    """All jobs of this host."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def path(self, job: str, name: str = "") -> str:
        return os.path.join(self.place.jobs, job, name) if name else os.path.join(self.place.jobs, job)

    def ready(self) -> None:
        """Make the folders: nobody but root looks into them."""
        for folder in (self.place.jobs, self.place.run):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)

    def start(self, job: str, step: str, arguments: dict[str, Any], secrets: dict[str, str]) -> dict[str, Any]:
        """Claim the id and start its runner; a known id is never started again.

        Raises:
            Refused: another job runs (busy), or the id is another request's (conflict).
        """
        self.ready()
        gate = Lock(os.path.join(self.place.jobs, ".start"))
        try:
            if not gate.take(wait=_START + 5):
                raise Refused("busy", "another job is just being started")
            if self._known(job, step, arguments):
                # Whether it is lost can only be said with the gate free.
                gate.free()
                return self.told(job)
            holder = self.running()
            if holder is not None:
                raise Refused("busy", f"job {holder} runs on this host", holder=self.told(holder))
            try:
                os.mkdir(self.path(job), 0o700)
            except FileExistsError:
                raise Refused("conflict", "this job id is taken", "job") from None
            self._prune(job)
            write_whole(self.path(job, "request.json"), {"step": step, "arguments": arguments, "created": now()})
            self._hand_over(job, secrets)
            self._launch(job)
            return {**self.told(job), "fresh": True}
        finally:
            gate.free()

    def _known(self, job: str, step: str, arguments: dict[str, Any]) -> bool:
        if not os.path.isdir(self.path(job)):
            return False
        request = read_whole(self.path(job, "request.json"))
        # Compared as JSON, which knows no tuples. A claim without a request was cut before anything was started.
        asked = json.loads(json.dumps({"step": step, "arguments": arguments}))
        if request is not None and {key: request.get(key) for key in asked} != asked:
            raise Refused("conflict", "this job id was used for something else", "job")
        return True

    def _hand_over(self, job: str, secrets: dict[str, str]) -> None:
        if not secrets:
            return
        path = os.path.join(self.place.run, job)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(secrets, stream)

    def take_secrets(self, job: str) -> dict[str, str]:
        """The secrets of a job, which are in no file from then on."""
        path = os.path.join(self.place.run, job)
        try:
            with open(path, encoding="utf-8") as stream:
                os.unlink(path)
                found: dict[str, str] = json.load(stream)
                return found
        except FileNotFoundError:
            return {}

    def _launch(self, job: str) -> None:
        line = [*self.place.helper, "--run", job]
        if self.place.systemd:
            options = ["RuntimeMaxSec=%d" % _LONGEST, "KillMode=control-group", "TimeoutStopSec=20"]
            asked = ["systemd-run", "--quiet", "--collect", "--unit=maasbot-" + job]
            for one in options:
                asked += ["-p", one]
            environ = {"PATH": self.place.path, "LC_ALL": "C.UTF-8"}
            ran = subprocess.run(
                [*asked, *line], env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
            )
            if ran.returncode:
                words = ran.stderr.decode("utf-8", "replace").strip()[-300:]
                self.finish(job, 1, failure("crashed", "systemd-run failed: " + words))
                self.take_secrets(job)
                return
        else:
            subprocess.Popen(
                line,
                env={"PATH": self.place.path, "LC_ALL": "C.UTF-8", **self.place.environ},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            if os.path.exists(self.path(job, "started")) or os.path.exists(self.path(job, "rc")):
                return
            time.sleep(0.01)

    def finish(self, job: str, rc: int, outcome: dict[str, Any]) -> None:
        """Write down how a job ended: the one word that counts."""
        write_whole(self.path(job, "rc"), {"rc": rc, "outcome": outcome, "finished": now()})

    def held(self, job: str) -> bool:
        """Whether a runner lives."""
        if not os.path.exists(self.path(job, "lock")):
            return False
        lock = Lock(self.path(job, "lock"))
        try:
            return not lock.take(shared=True)
        finally:
            lock.free()

    def running(self) -> str | None:
        """The job that runs; to be asked with the gate held, or for a hint."""
        for job in self.names():
            if not os.path.exists(self.path(job, "rc")) and self.held(job):
                return job
        return None

    def names(self) -> list[str]:
        """All jobs' ids, newest first."""
        try:
            found = [one for one in os.scandir(self.place.jobs) if one.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        return [one.name for one in sorted(found, key=lambda one: (-one.stat().st_mtime, one.name))]

    def state(self, job: str) -> str:
        """done, running or lost. A job is lost once nobody can be running it, and stays so."""
        if os.path.exists(self.path(job, "rc")):
            return "done"
        if os.path.exists(self.path(job, "lost")):
            return "lost"
        gate = Lock(os.path.join(self.place.jobs, ".start"))
        lock = Lock(self.path(job, "lock"))
        try:
            # With the gate held nobody is between claim and start; with the lock held nobody runs it. A runner that
            # comes late finds the mark, and does nothing.
            if not gate.take() or not lock.take():
                return "running"
            if os.path.exists(self.path(job, "rc")):
                return "done"
            write_whole(self.path(job, "lost"), {"seen": now()})
            self.take_secrets(job)
            return "lost"
        finally:
            lock.free()
            gate.free()

    def told(self, job: str) -> dict[str, Any]:
        """A job as the answer tells it.

        Raises:
            Refused: there is none of this id.
        """
        if not os.path.isdir(self.path(job)):
            raise Refused("no_such_job", "there is no job " + job, "job")
        state = self.state(job)
        request = read_whole(self.path(job, "request.json")) or {}
        told: dict[str, Any] = {
            "job": job,
            "step": request.get("step", ""),
            "arguments": request.get("arguments", {}),
            "state": state,
        }
        if "created" in request:
            told["started"] = request["created"]
        if state == "done":
            told.update(read_whole(self.path(job, "rc")) or {})
        elif state == "running":
            progress = read_whole(self.path(job, "progress"))
            if progress:
                told["progress"] = progress
        return told

    def log(self, job: str, offset: int, limit: int = MAX_LOG) -> dict[str, Any]:
        """A part of a job's log; ends with a whole character."""
        if not os.path.isdir(self.path(job)):
            raise Refused("no_such_job", "there is no job " + job, "job")
        data = b""
        size = 0
        try:
            with open(self.path(job, "log"), "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                offset = min(offset, size)
                stream.seek(offset)
                data = whole_characters(stream.read(min(limit, MAX_LOG)))
        except FileNotFoundError:
            offset = 0
        return {
            "offset": offset,
            "next_offset": offset + len(data),
            "size": size,
            "text": data.decode("utf-8", "replace"),
        }

    def status(self, job: str, offset: int | None, limit: int, wait: float) -> dict[str, Any]:
        """How a job goes; with `wait` not before there is more log or it has ended.

        What is written in quick succession is told together, so that nobody asks anew for every line.
        """
        begun = time.monotonic()
        gather = min(wait, _GATHER)
        while True:
            told = self.told(job)
            part = None if offset is None else self.log(job, offset, limit)
            waited = time.monotonic() - begun
            if told["state"] != "running" or waited >= wait:
                break
            if part is not None and part["next_offset"] > part["offset"]:
                full = part["next_offset"] < part["size"]
                if full or waited >= gather:
                    break
            time.sleep(0.02)
        if part is not None:
            told["log"] = part
        return told

    def _prune(self, keep: str) -> None:
        for index, job in enumerate(self.names()):
            if job == keep:
                continue
            path = self.path(job)
            old = time.time() - os.stat(path).st_mtime > _KEPT_DAYS * 86_400
            if (index >= _KEPT_JOBS or old) and self.state(job) != "running":
                shutil.rmtree(path, ignore_errors=True)


def failure(cause: str, message: str, remedy: str = "", found: str = "") -> dict[str, Any]:
    """The outcome of a job that did not do it."""
    return {"changed": False, "found": found, "cause": cause, "message": message, "remedy": remedy}
