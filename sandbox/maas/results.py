"""Script results: what commissioning, testing and installation leave behind on a machine."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.maas.events import result_date
from sandbox.maas.machine import ABORTED, FAILED, PASSED, PENDING, RUNNING, SCRIPT_STATUS, TIMED_OUT
from sandbox.maas.users import API

TYPES = {0: "Commissioning", 1: "Installation", 2: "Testing"}
COMMISSIONING_SET, INSTALLATION_SET, TESTING_SET = 0, 1, 2


@dataclass
class ScriptResult:
    """One script on one machine; times are seconds since the epoch."""

    id: int
    name: str
    script_id: int
    created: float
    estimated_runtime: str
    status: int = PENDING
    exit_status: int | None = None
    started: float | None = None
    ended: float | None = None
    stdout: str = ""
    stderr: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    suppressed: bool = False

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def as_json(self, include_output: bool) -> dict[str, Any]:
        begun, over = self.started is not None, self.ended is not None
        row: dict[str, Any] = {
            "id": self.id,
            "created": result_date(self.created),
            "updated": result_date(self.ended or self.started or self.created),
            "name": self.name,
            "status": self.status,
            "status_name": SCRIPT_STATUS[self.status],
            "exit_status": self.exit_status,
            "started": result_date(self.started) if self.started is not None else None,
            "ended": result_date(self.ended) if self.ended is not None else None,
            "runtime": runtime(self.started, self.ended),
            "starttime": self.started if begun else "",
            "endtime": self.ended if over else "",
            "estimated_runtime": self.estimated_runtime,
            "parameters": self.parameters,
            "script_id": self.script_id,
            "script_revision_id": self.script_id if over else None,
            "suppressed": self.suppressed,
        }
        if include_output:
            row["output"] = encoded(self.output)
            row["stdout"] = encoded(self.stdout)
            row["stderr"] = encoded(self.stderr)
            row["result"] = encoded("")
        return row


@dataclass
class ScriptSet:
    """The results of one run; `kind` is 0 commissioning, 1 installation, 2 testing."""

    id: int
    kind: int
    system_id: str
    results: list[ScriptResult] = field(default_factory=list)

    @property
    def status(self) -> int:
        states = {r.status for r in self.results}
        for worst in (RUNNING, ABORTED, TIMED_OUT, FAILED, PENDING):
            if worst in states and not (worst == PENDING and PASSED in states):
                return worst
        return RUNNING if PENDING in states else (PASSED if states else PENDING)

    @property
    def started(self) -> float | None:
        return min((r.started for r in self.results if r.started is not None), default=None)

    @property
    def ended(self) -> float | None:
        if any(r.ended is None for r in self.results):
            return None
        return max((r.ended for r in self.results if r.ended is not None), default=None)

    def as_json(self, include_output: bool = False) -> dict[str, Any]:
        started, ended = self.started, self.ended
        return {
            "id": self.id,
            "type": self.kind,
            "type_name": TYPES[self.kind],
            "system_id": self.system_id,
            "last_ping": None if started is None else result_date(ended or started),
            "status": self.status,
            "status_name": SCRIPT_STATUS[self.status],
            "started": None if started is None else result_date(started),
            "ended": None if ended is None else result_date(ended),
            "runtime": runtime(started, ended),
            "results": [r.as_json(include_output) for r in self.results],
            "resource_uri": f"{API}/nodes/{self.system_id}/results/{self.id}/",
        }

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, row: dict[str, Any]) -> ScriptSet:
        return cls(row["id"], row["kind"], row["system_id"], [ScriptResult(**r) for r in row["results"]])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def runtime(started: float | None, ended: float | None) -> str:
    if started is None or ended is None:
        return ""
    seconds = int(ended - started)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
