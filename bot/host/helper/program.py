"""The door: one request on stdin, one answer on stdout; or, started by itself, one job."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import sys
import threading
import traceback
from typing import Any, BinaryIO

from bot.host.helper.backups import Backup
from bot.host.helper.base import MAX_LOG, MAX_REQUEST, SPEAKS, VERSION, Place, Refused, Stopped
from bot.host.helper.databases import DatabaseCreate, DatabaseDrop, RoleCreate, RoleDrop
from bot.host.helper.debian import PostgresqlInstall, PostgresqlPurge
from bot.host.helper.fields import job_id, needed, read_request
from bot.host.helper.files import boot_id, now
from bot.host.helper.hba import PgHbaAllow, PgHbaRemove
from bot.host.helper.jobs import Jobs
from bot.host.helper.maas import MaasPermissions, MaasReady
from bot.host.helper.maas_init import MaasInit, MaasMigrate
from bot.host.helper.maas_users import APIKEY_FIELDS, MaasAdmin, api_key
from bot.host.helper.preflight import Preflight
from bot.host.helper.programs import Tools
from bot.host.helper.queries import all_queries
from bot.host.helper.restore import Restore
from bot.host.helper.runner import run_job
from bot.host.helper.snaps import MaasRestart, SnapdReady, SnapInstall, SnapRefresh, SnapRemove
from bot.host.helper.step import Step

_TOO_LATE = 75


def all_steps() -> dict[str, Step]:
    steps: tuple[Step, ...] = (
        Preflight(),
        SnapdReady(),
        SnapInstall(),
        SnapRefresh(),
        SnapRemove(),
        PostgresqlInstall(),
        PostgresqlPurge(),
        RoleCreate(),
        RoleDrop(),
        DatabaseCreate(),
        DatabaseDrop(),
        PgHbaAllow(),
        PgHbaRemove(),
        MaasInit(),
        MaasPermissions(),
        MaasMigrate(),
        MaasReady(),
        MaasAdmin(),
        MaasRestart(),
        Backup(),
        Restore(),
    )
    return {one.name: one for one in steps}


class Door:
    """Answers one request."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.steps = all_steps()
        self.queries = all_queries()

    def answer(self, data: bytes) -> dict[str, Any]:
        """The answer to what came on stdin. Whatever comes in, an answer goes out."""
        told: dict[str, Any] = {"protocol": SPEAKS[-1], "helper": VERSION}
        try:
            request = read_request(data)
            told["result"] = getattr(self, "_" + request["verb"])(request)
        except Refused as refusal:
            told["error"] = refusal.told()
        except Stopped as stop:
            code = {"not_installed": "unavailable", "cluster_down": "unavailable", "snapd_down": "unavailable",
                    "timeout": "timeout"}.get(stop.cause, "failed")  # fmt: skip
            details = {"cause": stop.cause, "remedy": stop.remedy}
            told["error"] = {"code": code, "message": stop.message, "details": details}
        except Exception as error:
            # The text of an unforeseen error may hold a secret: where it was is told, and no more.
            where = traceback.extract_tb(error.__traceback__)[-1]
            text = f"{type(error).__name__} in {where.name}, line {where.lineno}"
            told["error"] = {"code": "internal", "message": "the program on the host failed: " + text}
        return told

    def _hello(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "helper": VERSION,
            "speaks": list(SPEAKS),
            "sha256": _own_digest(),
            "python": platform.python_version(),
            "hostname": socket.gethostname(),
            "boot": boot_id(),
            "jobs": "systemd" if self.place.systemd else "setsid",
            "steps": sorted(self.steps),
            "queries": sorted(self.queries),
            "time": now(),
        }

    def _step(self, request: dict[str, Any]) -> tuple[Step, dict[str, Any]]:
        name = needed(request, "step")
        if name not in self.steps:
            raise Refused("bad_request", "there is no step of this name", "step")
        step = self.steps[name]
        return step, step.read(request["arguments"])

    def _check(self, request: dict[str, Any]) -> dict[str, Any]:
        step, given = self._step(request)
        tools = Tools(self.place, request["secrets"])
        try:
            found = step.look(tools, given)
        except Stopped as stop:
            found = {"state": "blocked", "found": stop.message, "cause": stop.cause, "remedy": stop.remedy}
        clean: dict[str, Any] = tools.redaction.tree(found)
        return clean

    def _run(self, request: dict[str, Any]) -> dict[str, Any]:
        job = needed(request, "job")
        step, _ = self._step(request)
        jobs = Jobs(self.place)
        told = jobs.start(job, step.name, request["arguments"], request["secrets"])
        if "wait" in request:
            # A short step is told with its end at once: that saves the asker a question.
            ended = jobs.status(job, None, MAX_LOG, request["wait"])
            told = {**ended, "fresh": told.get("fresh", False)}
        if "offset" in request:
            told["log"] = jobs.log(job, request["offset"], request.get("limit", MAX_LOG))
        return told

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        limit = request.get("limit", MAX_LOG)
        return Jobs(self.place).status(needed(request, "job"), request.get("offset"), limit, request.get("wait", 0.0))

    def _log(self, request: dict[str, Any]) -> dict[str, Any]:
        return Jobs(self.place).log(needed(request, "job"), request.get("offset", 0), request.get("limit", MAX_LOG))

    def _jobs(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        jobs = Jobs(self.place)
        return [jobs.told(one) for one in jobs.names()[:50]]

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        name = needed(request, "query")
        if name not in self.queries:
            raise Refused("bad_request", "there is no query of this name", "query")
        query = self.queries[name]
        given = query.fields.read(request["arguments"])
        return query.answer(Tools(self.place), given)

    def _secret(self, request: dict[str, Any]) -> dict[str, Any]:
        if needed(request, "query") != "apikey":
            raise Refused("bad_request", "there is no secret of this name", "query")
        return api_key(Tools(self.place), APIKEY_FIELDS.read(request["arguments"]))


def _own_digest() -> str:
    try:
        with open(sys.argv[0] or os.devnull, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return ""


def serve(place: Place, stdin: BinaryIO, stdout: BinaryIO, patience: float = 30.0) -> int:
    """Answer the one request, which has to come within so many seconds; returns the exit status."""
    Jobs(place).ready()
    # Whoever sends half a request and waits would otherwise fill the host's memory with processes of root's.
    late = threading.Timer(patience, os._exit, (_TOO_LATE,))
    late.daemon = True
    late.start()
    data = stdin.read(MAX_REQUEST + 1)
    late.cancel()
    answer = Door(place).answer(data)
    stdout.write(json.dumps(answer, ensure_ascii=True).encode("ascii") + b"\n")
    stdout.flush()
    return 0


def main(arguments: list[str], place: Place | None = None) -> int:
    """`step` answers a request, as root; `step --run JOB` is what it starts itself by."""
    here = place or Place()
    if not here.root and os.geteuid() != 0:
        sys.stderr.write(f"step: must be run by root (sudo -n {here.helper[0]})\n")
        return 77
    os.umask(0o077)
    if not arguments:
        return serve(here, sys.stdin.buffer, sys.stdout.buffer)
    if len(arguments) == 2 and arguments[0] == "--run":
        try:
            job = job_id(arguments[1])
        except ValueError:
            return 64
        return run_job(here, job, all_steps())
    sys.stderr.write("step: takes no arguments; a request comes on standard input\n")
    return 64
