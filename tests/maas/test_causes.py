"""Why a machine failed, as a person reads it at night."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from bot.maas.causes import why_failed
from bot.maas.errors import MaasError
from bot.maas.models import Machine, MachineStatus
from bot.maas.script_output import printable, tail
from tests.maas.recordings import recorded
from tests.maas.wire import Reply

FAILED = Machine(
    system_id="7kcsxt",
    hostname="m",
    status=MachineStatus.FAILED_COMMISSIONING,
    status_name="Failed commissioning",
    status_message="Failed commissioning",
)
COMMISSIONING = "nodes/7kcsxt/results/current-commissioning/"
TESTING = "nodes/7kcsxt/results/current-testing/"


async def failed(live, standin, name):
    machine = (await live.machines(hostnames=[name]))[0]
    await live.commission(machine.system_id)
    async with asyncio.timeout(30):
        while (machine := await live.machine(machine.system_id)).status.busy:
            await asyncio.sleep(0.05)
    return machine


async def test_a_commissioning_script(live, standin):
    cause = await why_failed(live, await failed(live, standin, "node-7"))
    assert cause.script == "50-maas-01-commissioning"
    assert cause.summary.startswith("50-maas-01-commissioning failed")
    assert cause.source == "script"
    assert "Input/output error" in cause.tail
    assert cause.log is not None
    assert cause.tail.splitlines()[-1] in cause.log


async def test_a_test_on_a_disk(live, standin):
    machine = (await live.machines(hostnames=["node-9"]))[0]
    assert machine.status is MachineStatus.FAILED_TESTING
    cause = await why_failed(live, machine)
    assert cause.source == "script"
    assert cause.script.startswith("smartctl-validate")
    assert "FAILED" in cause.tail


async def test_a_wrong_bmc_password(live, standin):
    machine = await failed(live, standin, "node-8")
    cause = await why_failed(live, machine)
    assert cause.source == "power"
    assert "wrong user or password" in cause.summary
    assert cause.script is None


def event(number, kind, description="", level="ERROR"):
    return {"id": number, "node": "7kcsxt", "type": kind, "description": description, "level": level}


def told(wire, events, *, commissioning=None, testing=None):
    wire.on("GET", "events/", Reply(200, json.dumps({"count": len(events), "events": events})), op="query")
    missing = recorded("2.9", "node_results_current_installation_400")
    wire.on("GET", COMMISSIONING, Reply(200, json.dumps(commissioning)) if commissioning else missing)
    wire.on("GET", TESTING, Reply(200, json.dumps(testing)) if testing else missing)


def run(*results, last_ping=""):
    return {"id": 1, "system_id": "7kcsxt", "results": list(results), "last_ping": last_ping or None}


def result(number, name, status, started="Sun, 22 Nov 2026 08:37:57 -0000", **more):
    return {"id": number, "name": name, "status": status, "started": started, **more}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "Power on for the node failed: Could not authenticate to node's BMC: Incorrect password.",
            "password",
        ),
        ("Power on for the node failed: Connection timed out. Check BMC configuration", "does not answer"),
        (
            "Power on for the node failed: No rack controllers can access the BMC of node m",
            "No rack controller",
        ),
        ("Power on for the node failed: the fan fell off", "The power action failed. MAAS: Power on for"),
    ],
)
async def test_power(wire, region, words, expected):
    told(
        wire,
        [event(3, "Marking node failed", words), event(2, "User starting node commissioning", "", "DEBUG")],
    )
    cause = await why_failed(region, FAILED)
    assert expected in cause.summary
    assert cause.source == "power"


async def test_recorded_bmc_trouble(wire, region):
    told(wire, [])
    wire.on("GET", "events/", recorded("2.9", "events_machine_power_error"), op="query")
    cause = await why_failed(region, FAILED)
    assert "wrong user or password" in cause.summary


async def test_trouble_of_an_earlier_run_is_not_the_cause(wire, region):
    told(
        wire,
        [
            event(9, "Script", "maas-lshw failed", "INFO"),
            event(5, "User starting node commissioning", "(admin)", "DEBUG"),
            event(2, "Failed to power on node", "Incorrect password."),
        ],
        commissioning=run(result(1, "maas-lshw", 3, exit_status=2)),
    )
    cause = await why_failed(region, FAILED)
    assert cause.summary == "maas-lshw failed (exit status 2)."


async def test_a_machine_that_never_reported(wire, region):
    told(
        wire,
        [event(3, "Marking node failed", "Node operation 'Commissioning' timed out after 30 minutes.")],
        commissioning=run(result(1, "50-maas-01-commissioning", 4, started=None)),
    )
    cause = await why_failed(region, FAILED)
    assert "never reported to MAAS within 30 minutes" in cause.summary
    assert "PXE" in cause.summary
    assert cause.source == "time-out"


async def test_a_script_that_ran_too_long(wire, region):
    told(
        wire,
        [event(3, "Marking node failed", "Node operation 'Commissioning' timed out after 30 minutes.")],
        commissioning=run(result(1, "maas-lshw", 4, stdout=base64.b64encode(b"still scanning\n").decode())),
    )
    cause = await why_failed(region, FAILED)
    assert (cause.summary, cause.tail) == ("maas-lshw ran past its time limit.", "still scanning")


async def test_a_machine_that_stopped_in_the_middle(wire, region):
    told(
        wire,
        [event(3, "Marking node failed", "Node operation 'Deploying' timed out after 40 minutes.")],
        commissioning=run(result(1, "a", 2), last_ping="Sun, 22 Nov 2026 08:38:03 -0000"),
    )
    assert "did not finish in time" in (await why_failed(region, FAILED)).summary


async def test_what_can_not_be_read_is_left_out(wire, region):
    told(wire, [], commissioning=run(result(1, "maas-lshw", 3)))
    wire.on("GET", "events/", Reply(500, "broken", "text/plain"), op="query")
    assert (await why_failed(region, FAILED)).script == "maas-lshw"
    told(wire, [event(3, "Marking node failed", "somebody said so")])
    wire.on("GET", COMMISSIONING, Reply(500, "broken", "text/plain"))
    wire.on("GET", TESTING, Reply(500, "broken", "text/plain"))
    assert (await why_failed(region, FAILED)).summary == "MAAS: somebody said so"
    wire.on("GET", "events/", Reply(500, "broken", "text/plain"), op="query")
    with pytest.raises(MaasError):
        await why_failed(region, FAILED)


async def test_what_somebody_tried_afterwards_is_not_the_cause(wire, region):
    told(
        wire,
        [
            event(9, "Failed to power on node", "Power on for the node failed: Incorrect password."),
            event(8, "User powering up node", "(admin)", "DEBUG"),
            event(6, "Node changed status", "From 'Commissioning' to 'Failed commissioning'", "DEBUG"),
            event(5, "Marking node failed", "Node operation 'Commissioning' timed out after 30 minutes."),
            event(4, "Performing PXE boot", "", "INFO"),
            event(3, "User starting node commissioning", "(admin)", "DEBUG"),
        ],
    )
    cause = await why_failed(region, FAILED)
    assert "did not finish in time. Last sign of life: Performing PXE boot" in cause.summary
    assert cause.source == "time-out"
    assert "Failed to power on node" in cause.log, "the log keeps it"


async def test_the_installers_own_words(live, standin):
    machine = next(one for one in standin.world.machines.values() if one.status_name == "Ready" and one.has_bmc)
    standin.world.alter(machine.hostname, fail_deploy=True)
    standin.lifecycle.deploy(machine, standin.world.admin, ("ubuntu", "focal", ""), "")
    async with asyncio.timeout(30):
        while (seen := await live.machine(machine.system_id)).status.busy:
            await asyncio.sleep(0.05)
    cause = await why_failed(live, seen)
    assert cause.source == "installer"
    assert cause.summary.startswith("The installer failed: sgdisk --zap-all /dev/sda failed (exit status 2)")
    assert cause.script == "install.log"
    assert "curtin: Installation started" in cause.log


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Node installation failure", "The installer failed: 'curtin' command failed"),
        ("Node post-installation failure", "The system was installed and failed at its first start: 'curtin' command"),
    ],
)
async def test_what_the_machine_reported(wire, region, kind, expected):
    told(
        wire,
        [
            event(
                5, "Marking node failed", "Installation failed (refer to the installation log for more information)."
            ),
            event(4, kind, "'curtin' command failed"),
            event(3, "User starting deployment", "(admin)", "DEBUG"),
        ],
    )
    assert (await why_failed(region, FAILED)).summary.startswith(expected)


async def test_several_scripts(wire, region):
    told(wire, [], commissioning=run(result(1, "maas-lshw", 3), result(2, "a", 2), result(3, "b", 3)))
    assert (await why_failed(region, FAILED)).summary == "maas-lshw failed. So did b."


async def test_a_script_that_only_the_log_names(wire, region):
    passed = "maas-lshw changed status from 'Running' to 'Passed'"
    failed = "30-maas-01-bmc-config changed status from 'Running' to 'Failed'"
    told(
        wire,
        [
            event(3, "Failed commissioning"),
            event(2, "Script result", failed, "DEBUG"),
            event(1, "Script result", passed, "DEBUG"),
        ],
    )
    cause = await why_failed(region, FAILED)
    assert cause.script == "30-maas-01-bmc-config"
    assert cause.summary.startswith("30-maas-01-bmc-config failed.") and "maas-lshw" not in cause.summary


async def test_nothing_but_the_status(wire, region):
    told(wire, [])
    assert (await why_failed(region, FAILED)).summary == "MAAS says only: Failed commissioning."


async def test_output_is_made_fit_to_be_shown(wire, region):
    stderr = (
        "\x1b[31mred\x1b[0m\n10%\r50%\r100% done\npower_pass=hunter2 --password=hunter3 token: abc\n"
        "bad \ufffd byte\x00\u202e\n" + "\n".join(f"line {number}" for number in range(12)) + "\n\n"
    )
    raw = stderr.encode().replace("\ufffd".encode(), b"\xff")
    told(wire, [], commissioning=run(result(1, "x", 3, stderr=base64.b64encode(raw).decode())))
    cause = await why_failed(region, FAILED)
    lines = cause.tail.splitlines()
    assert len(lines) == 15
    assert lines[0] == "100% done"
    assert lines[-1] == "line 11"
    assert "bad \ufffd byte" in lines
    assert not any(
        secret in cause.tail + cause.log for secret in ("hunter2", "hunter3", "abc", "\x1b", "\x00", "\u202e")
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the password prompt came", "the password prompt came"),
        ("Password: geheim", "Password: [hidden]"),
        ("Incorrect password.  Check BMC", "Incorrect password.  Check BMC"),
        ("secret = 'two words' rest", "secret = [hidden] rest"),
        ("a\r\nb", "a\nb"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown


def test_tail_of_endless_lines():
    assert max(len(line) for line in tail("x" * 10_000 + "\n" + "y").splitlines()) <= 240
