"""Why a machine failed, in one line for a night shift, from MAAS's own events and script output."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.maas import run_log
from bot.maas.decoding import moment
from bot.maas.errors import MaasError, clean
from bot.maas.installer import why_it_failed
from bot.maas.models import Event, Machine, MachineStatus
from bot.maas.models_region import ScriptResult, ScriptResultSet
from bot.maas.region import Region, ResultsOf
from bot.maas.script_output import log_of, tail_of

#: Events looked at: a commissioning run writes about 60.
_EVENTS = 300

# maasserver/enum.py and metadataserver/enum.py, SCRIPT_STATUS.
_FAILED, _TIMED_OUT, _ABORTED, _FAILED_INSTALLING, _FAILED_NETWORK = 3, 4, 5, 8, 11
_FAILED_STATES = {_FAILED, _TIMED_OUT, _FAILED_INSTALLING, _FAILED_NETWORK}
_NOT_STARTED = {0, _ABORTED, _TIMED_OUT}

_POWER_TYPES = ("Failed to power", "Failed to query node's BMC", "Failed to cycle")
#: What the machine itself reported of a stage that failed, where there is no script's output to tell it.
_REPORTED = {
    "Node installation failure": "The installer failed",
    "Node post-installation failure": "The system was installed and failed at its first start",
    "Node commissioning failure": "The machine reported a failure while it commissioned",
    "Node entering rescue mode failure": "The machine could not enter rescue mode",
    "Node exiting rescue mode failure": "The machine could not leave rescue mode",
}
_SCRIPT_FAILED = re.compile(r"^(.+?) changed status from '[^']*' to 'Failed[^']*'", re.IGNORECASE)
_TIMED_OUT_TEXT = re.compile(r"timed out after (.+?)\.?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something failed.

    Attributes:
        summary: one sentence.
        script: the script that failed ("smartctl-validate on sda"), None when it was none.
        tail: the last lines that it wrote, None when there are none.
        source: what the sentence rests on: "power", "script", "installer", "time-out", "event", "status" or "nothing".
        log: everything that the script wrote, and MAAS's events of the run; None when there is nothing.
    """

    summary: str
    script: str | None = None
    tail: str | None = None
    source: str = "status"
    log: str | None = None


async def why_failed(region: Region, machine: Machine) -> Cause:
    """Find out why `machine` is where it is. What can't be read is left out; the answer rests on the rest.

    Raises:
        MaasError: neither events nor script results could be read.
    """
    events: list[Event] = []
    failures: list[MaasError] = []
    try:
        everything = await region.events(id=machine.system_id, level="DEBUG", limit=_EVENTS)
        if machine.status is MachineStatus.BROKEN and (marked := _marked_broken(everything)) is not None:
            return marked
        events = run_log.latest_run(everything, failed=machine.status.failed)
    except MaasError as error:
        failures.append(error)
    runs: list[tuple[ResultsOf, ScriptResultSet]] = []
    for kind in _runs_of_interest(machine):
        try:
            found = await region.script_results(machine.system_id, kind)
        except MaasError as error:
            failures.append(error)
        else:
            runs.extend([(kind, found)] if found is not None else [])
    if failures and not events and not runs:
        raise failures[0]
    telling = run_log.up_to_failure(events, machine.status_name) if machine.status.failed else events
    return _with_events(await _judge(region, machine, telling, runs), events)


def power_words(said: str) -> str:
    """What MAAS says of a power action that failed, with what it means before it."""
    text = said.casefold()
    words = clean(said, 200)
    if "password" in text or "authenticat" in text or "privilege" in text or "username" in text:
        return f"The BMC refuses MAAS: wrong user or password in the power settings. MAAS: {words}"
    if "no rack" in text or "rack controller" in text:
        return f"No rack controller can reach the BMC. MAAS: {words}"
    if any(word in text for word in ("timed out", "timeout", "unreachable", "connection", "no route", "resolve")):
        return f"The BMC does not answer: check its address, cable and network. MAAS: {words}"
    return f"The power action failed. MAAS: {words}"


async def _judge(
    region: Region,
    machine: Machine,
    events: Sequence[Event],
    runs: Sequence[tuple[ResultsOf, ScriptResultSet]],
) -> Cause:
    for kind, run in runs:
        failed = [one for one in run.results if one.status in _FAILED_STATES - {_TIMED_OUT} and not one.suppressed]
        if failed and kind == "current-installation":
            return await _of_installer(region, machine, kind, failed[0])
        if failed:
            return await _with_output(region, machine, kind, failed[0], _of_script(failed))
    power = _power_trouble(events)
    if power is not None:
        return power
    for kind, run in runs:
        slow = next((result for result in run.results if result.status == _TIMED_OUT and result.started), None)
        if slow is not None:
            cause = Cause(f"{slow.label} ran past its time limit.", slow.label, source="time-out")
            return await _with_output(region, machine, kind, slow, cause)
    return _from_events(events, runs) or _from_status(machine)


def _runs_of_interest(machine: Machine) -> tuple[ResultsOf, ...]:
    if machine.status is MachineStatus.FAILED_TESTING:
        return ("current-testing",)
    if machine.status is MachineStatus.FAILED_DEPLOYMENT:
        return ("current-installation",)
    if machine.status is MachineStatus.FAILED_COMMISSIONING:
        return ("current-commissioning", "current-testing")
    return ("current-testing", "current-commissioning") if machine.status.failed else ()


def _marked_broken(events: Sequence[Event]) -> Cause | None:
    """Who marked it broken and what they said; MAAS keeps it nowhere else ("(admin) - bad psu")."""
    marks = [event for event in events if event.type == "User marking node broken"]
    if not marks:
        return None
    user, _, said = max(marks, key=lambda event: event.id).description.partition(" - ")
    by = user.strip("() ")
    words = clean(said, 240)
    return Cause(
        f"Marked broken by {by or 'somebody'}{f': {words}' if words else ', without a comment'}.", source="event"
    )


def _of_script(failed: Sequence[ScriptResult]) -> Cause:
    result = failed[0]
    if result.status == _FAILED_INSTALLING:
        summary = f"{result.label} could not install what it needs: check the machine's way to the package archive."
    elif result.status == _FAILED_NETWORK:
        summary = f"{result.label} could not apply its network settings."
    else:
        code = f" (exit status {result.exit_status})" if result.exit_status else ""
        summary = f"{result.label} failed{code}."
    if len(failed) > 1:
        others = ", ".join(one.label for one in failed[1:4]) + (" and more" if len(failed) > 4 else "")
        summary += f" So did {others}."
    return Cause(summary, result.label, source="script")


async def _of_installer(region: Region, machine: Machine, kind: ResultsOf, result: ScriptResult) -> Cause:
    """The installer's own log tells more than its exit status."""
    code = f" (exit status {result.exit_status})" if result.exit_status else ""
    cause = Cause(f"The installer failed{code}; its log does not say why.", "install.log", source="installer")
    cause = await _with_output(region, machine, kind, result, cause)
    why = why_it_failed(cause.log or "")
    return replace(cause, summary=f"The installer failed: {why.rstrip('.')}.") if why else cause


def _with_events(cause: Cause, events: Sequence[Event]) -> Cause:
    """Put the events of the run into the log, below what the script wrote."""
    if not events:
        return cause
    written = [f"{cause.script or 'output'}:", cause.log, ""] if cause.log else []
    text = "\n".join([*written, "What MAAS logged of this run, oldest first:", run_log.events_as_text(events)])
    return replace(cause, log=text)


async def _with_output(region: Region, machine: Machine, kind: ResultsOf, result: ScriptResult, cause: Cause) -> Cause:
    """Add the script's output; without it the cause is still known."""
    try:
        run = await region.script_results(machine.system_id, kind, include_output=True, script=result.name)
    except MaasError:
        return cause
    full = next((one for one in run.results if one.id == result.id), None) if run is not None else None
    if full is None:
        return cause
    return replace(cause, tail=tail_of(full) or None, log=log_of(full) or None)


def _power_trouble(events: Sequence[Event]) -> Cause | None:
    for event in events:
        text = f"{event.type} {event.description}".casefold()
        about_power = event.type.startswith(_POWER_TYPES) or "bmc" in text or "power on for the node failed" in text
        if about_power and event.level in {"WARNING", "ERROR", "CRITICAL"}:
            return Cause(power_words(event.description or event.type), source="power")
    return None


def _from_events(events: Sequence[Event], runs: Sequence[tuple[ResultsOf, ScriptResultSet]]) -> Cause | None:
    for event in events:
        # Where the results can't be read, or were overwritten, the log still names the script.
        told = _SCRIPT_FAILED.search(event.description) if event.type == "Script result" else None
        if told is not None:
            script = clean(told[1], 80)
            return Cause(f"{script} failed. MAAS: {clean(event.description, 240)}.", script, source="event")
    reported = next((event for event in events if event.type in _REPORTED), None)
    for event in events:
        if event.level not in {"ERROR", "CRITICAL"} and not event.type.startswith("Marking node"):
            continue
        found = _TIMED_OUT_TEXT.search(event.description)
        if found is not None:
            return _timed_out(events, runs, clean(found.group(1), 40), clean(event.description, 240))
        if reported is not None:
            return Cause(f"{_REPORTED[reported.type]}: {clean(reported.description, 240)}", source="event")
        return Cause(f"MAAS: {clean(event.description or event.type, 240)}", source="event")
    return None


def _timed_out(
    events: Sequence[Event], runs: Sequence[tuple[ResultsOf, ScriptResultSet]], after: str, words: str
) -> Cause:
    heard = run_log.sign_of_life(events)
    if heard is not None:
        summary = f"The machine did not finish in time. Last sign of life: {run_log.heard_last(heard)}. MAAS: {words}"
        return Cause(summary, source="time-out")
    pings = [at for _, run in runs if (at := moment(run.last_ping)) is not None]
    if pings:
        summary = f"The machine did not finish in time. Last sign of life: {max(pings):%H:%M} UTC. MAAS: {words}"
        return Cause(summary, source="time-out")
    if any(result.status not in _NOT_STARTED for _, run in runs for result in run.results):
        return Cause(f"The machine did not finish in time. MAAS: {words}", source="time-out")
    return Cause(
        f"The machine never reported to MAAS within {after}: "
        "check that it boots from the network (PXE first, right VLAN, DHCP on).",
        source="time-out",
    )


def _from_status(machine: Machine) -> Cause:
    words = clean(machine.error_description or machine.status_message, 240)
    if words and words.casefold() != machine.status_name.casefold():
        return Cause(f"MAAS: {words}", source="status")
    return Cause(f"MAAS says only: {machine.status_name or 'nothing'}.", source="nothing")
