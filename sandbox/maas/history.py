"""Results of runs that lie in the past: made when somebody reads them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.maas import script_output
from sandbox.maas.machine import FAILED, PASSED, Machine
from sandbox.maas.results import (
    COMMISSIONING_SET,
    INSTALLATION_SET,
    TESTING_SET,
    ScriptResult,
    ScriptSet,
)

if TYPE_CHECKING:
    from sandbox.maas.world import World


def passed_history(world: World, machine: Machine, number: int, kind: int) -> ScriptSet:
    """The results of a run that ended before the stand-in was made, failed where the manners say so."""
    names = {
        COMMISSIONING_SET: [s["name"] for s in world.scripts_of(0)],
        TESTING_SET: ["smartctl-validate"],
        INSTALLATION_SET: ["/tmp/install.log"],
    }[kind]
    made = ScriptSet(number, kind, machine.system_id)
    at = time.time() - 86_400 + number
    manners = machine.manners
    for name in names:
        script = world.script(name) or {"id": 0, "timeout": "0:00:00"}
        failed = name in (manners.fail_script, manners.fail_test) or (kind == INSTALLATION_SET and manners.fail_deploy)
        result = ScriptResult(world.take_id("result"), name, script["id"], at, script["timeout"])
        result.status, result.exit_status = (FAILED, manners.fail_exit_status) if failed else (PASSED, 0)
        result.started, result.ended = at, at + 2
        result.stdout = "" if failed else script_output.passed_output(name, machine.hostname)
        if failed and kind == INSTALLATION_SET:
            result.stdout = manners.fail_stderr or script_output.DEPLOY_LOG
        elif failed:
            result.stderr = manners.fail_stderr or script_output.failure_tail(name)
        at += 2
        made.results.append(result)
    return made
