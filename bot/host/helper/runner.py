"""The life of one job: look, act, look again; and write down how it ended."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from typing import Any, NoReturn

from bot.host.helper.base import Place, Refused, Stopped
from bot.host.helper.files import Lock, boot_id, now
from bot.host.helper.jobs import Jobs, failure
from bot.host.helper.programs import Tools
from bot.host.helper.step import Step

OK, FAILED, LATER, BLOCKED = 0, 1, 75, 77
_PASSING = (
    "snap_busy",
    "store_unreachable",
    "dpkg_lock",
    "apt_lists_lock",
    "mirror_down",
    "snapd_down",
    "api_late",
)


def run_job(place: Place, job: str, steps: dict[str, Step]) -> int:
    """Run a claimed job to its end, once; what comes second, or late, does nothing."""
    os.umask(0o077)
    jobs = Jobs(place)
    if not os.path.isdir(jobs.path(job)):
        return FAILED
    lock = Lock(jobs.path(job, "lock"))
    if not lock.take(wait=5):
        return FAILED
    if any(os.path.exists(jobs.path(job, name)) for name in ("started", "rc", "lost")):
        lock.free()
        return FAILED
    secrets = jobs.take_secrets(job)
    with open(jobs.path(job, "request.json"), encoding="utf-8") as stream:
        request = json.load(stream)
    with open(jobs.path(job, "started"), "w", encoding="ascii") as stream:
        stream.write(boot_id())
    descriptor = os.open(jobs.path(job, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def log(line: str) -> None:
        os.write(descriptor, (line + "\n").encode("utf-8", "replace"))

    def progress(text: str, percent: int | None) -> None:
        told = json.dumps({"text": text, "percent": percent})
        path = jobs.path(job, "progress")
        with open(path + ".new", "w", encoding="utf-8") as stream:
            stream.write(told)
        os.rename(path + ".new", path)

    signal.signal(signal.SIGTERM, _stopped)
    # A disconnected terminal is no reason to end: a job outlives it.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    tools = Tools(place, secrets, log, progress, job)
    tools.note("{} {}".format(now(), request["step"]))
    begun = time.monotonic()
    rc, outcome = perform(tools, steps, request["step"], request["arguments"])
    tools.note("%s ended with %d after %.1f s" % (now(), rc, time.monotonic() - begun))
    os.fsync(descriptor)
    jobs.finish(job, rc, tools.redaction.tree(outcome))
    return rc


def perform(tools: Tools, steps: dict[str, Step], name: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Look, act, look again; (rc, outcome)."""
    step = steps[name]
    try:
        given = step.read(arguments)
        before = step.look(tools, given)
        tools.note("before: " + before["found"])
        if before["state"] == "done":
            return OK, {"changed": False, "found": before["found"], "facts": before.get("facts", {})}
        if before["state"] == "blocked":
            return _ended(before.get("cause", "failed"), before["found"], before.get("remedy", ""), guard=True)
        step.need(tools)
        step.apply(tools, given)
        # What programs did has let go of everything; a statement in SQL moves no cluster.
        tools.forget(but="pg_lsclusters")
        after = step.verify(tools, given)
        tools.note("after: " + after["found"])
        if after["state"] == "done":
            return OK, {"changed": True, "found": after["found"], "facts": after.get("facts", {})}
        return _ended(after.get("cause", "failed"), after["found"], after.get("remedy", ""))
    except Stopped as stop:
        tools.note("stopped: " + stop.message)
        return _ended(stop.cause, stop.message, stop.remedy, facts=stop.facts)
    except Refused as refusal:
        return _ended("failed", "{}: {}".format(refusal.field or "request", refusal.message), guard=True)
    except Exception as error:
        # Where, not what: the text of an unforeseen error may hold anything.
        where = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__} in {where.name}, line {where.lineno}"
        tools.note(text)
        return _ended("crashed", "the program on the host failed: " + text)


def _ended(
    cause: str, message: str, remedy: str = "", guard: bool = False, facts: dict[str, Any] | None = None
) -> tuple[int, dict[str, Any]]:
    rc = LATER if cause in _PASSING else BLOCKED if guard else FAILED
    return rc, {**failure(cause, message, remedy, message), "changed": not guard, "facts": facts or {}}


def _stopped(*_: object) -> NoReturn:
    raise Stopped("timeout", "the job was stopped from outside, or took longer than two hours")
