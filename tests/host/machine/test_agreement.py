"""The host of the demo and a machine with the real helper say the same of the same: one session, asked of both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.host import HostStandIn
from tests.host.machine.story import ADMIN_PASSWORD, DATABASE_PASSWORD
from tests.host.world import lone_host
from tests.support.host_machine import Machine

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

Ask = Callable[..., dict[str, Any]]

SNAP = {"snap": "maas", "channel": "2.9/stable"}
REGION = {"name": "maas", "role": "maas"}
ACCESS = {"database": "maas", "role": "maas"}
INIT = {"database": "production", **REGION}
ADMIN = {"username": "admin", "email": "admin@example.org"}
#: What is looked at between the steps: each step that a look may be asked for in any state of the host.
LOOKS: list[tuple[str, dict[str, Any]]] = [
    ("snap-install", SNAP),
    ("snap-install", {**SNAP, "channel": "3.4/stable"}),
    ("snap-refresh", {**SNAP, "channel": "3.4/stable"}),
    ("snap-remove", {"snap": "maas"}),
    ("postgresql-install", {}),
    ("role-create", {"role": "maas"}),
    ("database-create", REGION),
    ("pg-hba-allow", ACCESS),
    ("maas-init", INIT),
    ("maas-permissions", {}),
    ("maas-ready", {}),
    ("maas-admin", ADMIN),
    ("database-drop", {"name": "maas"}),
    ("role-drop", {"role": "maas"}),
    ("pg-hba-remove", ACCESS),
    ("postgresql-purge", {"databases": ["maas"]}),
]
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("preflight", {"channel": "2.9/stable", "database": "production"}),
    ("snapd", {}),
    ("snap-install", SNAP),
    ("snap-install", SNAP),
    ("postgresql-install", {}),
    ("role-create", {"role": "maas"}),
    ("database-create", REGION),
    ("pg-hba-allow", ACCESS),
    ("maas-init", INIT),
    ("maas-permissions", {}),
    ("maas-ready", {}),
    ("maas-admin", ADMIN),
    ("maas-admin", ADMIN),
    ("role-drop", {"role": "maas"}),
    ("snap-remove", {"snap": "maas"}),
    ("database-drop", {"name": "maas"}),
    ("role-drop", {"role": "maas"}),
    ("pg-hba-remove", ACCESS),
    ("postgresql-purge", {"databases": ["maas"]}),
    ("snap-remove", {"snap": "maas"}),
]
SECRETS = {
    "role-create": {"database_password": DATABASE_PASSWORD},
    "maas-init": {"database_password": DATABASE_PASSWORD},
    "maas-admin": {"admin_password": ADMIN_PASSWORD},
}


def session(ask: Ask) -> list[str]:
    """What each step came to, and what all looks say after it, a line each."""
    told = []
    for number, (step, arguments) in enumerate(STEPS):
        request = {"step": step, "arguments": arguments, "secrets": SECRETS.get(step, {}), "job": f"op-same-{number}"}
        job = ask(verb="run", wait=30, **request)["result"]
        while job["state"] == "running":
            job = ask(verb="status", job=job["job"], wait=30)["result"]
        outcome = job["outcome"]
        # snapd is on the demo's host from the beginning.
        changed = outcome["changed"] if step != "snapd" else "-"
        told.append(f"{number} {step}: rc {job['rc']}, changed {changed}, {outcome.get('cause')}")
        if step == "preflight":
            continue
        for name, given in LOOKS:
            look = ask(verb="check", step=name, arguments=given)["result"]
            told.append(f"after {number} {step}: {name} {given}: {look['state']}, {look.get('cause')}")
    return told


async def test_one_session_is_answered_alike(machine: Machine, tmp_path: Path) -> None:
    real = await asyncio.to_thread(session, machine.ask)
    async with lone_host(tmp_path, speed=2000) as (stand_in, _):
        loop = asyncio.get_running_loop()
        played = await asyncio.to_thread(session, lambda **request: _ask(loop, stand_in, request))
    assert played == real


def _ask(loop: asyncio.AbstractEventLoop, stand_in: HostStandIn, request: dict[str, Any]) -> dict[str, Any]:
    data = json.dumps({"protocol": 1, **request}).encode()
    answer: dict[str, Any] = json.loads(asyncio.run_coroutine_threadsafe(stand_in.helper.answer(data), loop).result())
    return answer
