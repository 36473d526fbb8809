"""The events of a machine's latest run: where it begins, what they look like in a file, the last sign of life."""

from __future__ import annotations

from collections.abc import Sequence

from bot.maas.errors import clean
from bot.maas.models import Event
from bot.maas.script_output import printable

#: Event types that begin something; what was written before the latest of them is about an earlier run.
_BEGINNINGS = (
    "User starting node commissioning",
    "User starting node testing",
    "User starting deployment",
    "User releasing node",
    "User erasing disk",
    "User starting rescue mode",
    "User entering rescue mode",
)
#: The same of a machine that nothing else was done to: of one that failed, its power is what somebody tried afterwards.
_POWER = ("User powering up node", "User powering down node")
#: Event types that MAAS writes of its own doing: the machine itself need not have done anything for them.
_MAAS_OWN = frozenset(
    {
        "Commissioning",
        "Testing",
        "Deploying",
        "Releasing",
        "Entering rescue mode",
        "Exiting rescue mode",
        "Powering on",
        "Powering off",
        "Power cycling",
        "Node powered on",
        "Node powered off",
        "Node changed status",
        "Marking node failed",
        "Marking node broken",
        "Failed to query node's BMC",
        "Failed to power on node",
        "Failed to power off node",
        "Failed to power cycle node",
        "Failed commissioning",
        "Failed testing",
    }
)


def latest_run(events: Sequence[Event], *, failed: bool = True) -> list[Event]:
    """The events since something was last begun, newest first. `failed`: the machine is in a state of failure."""
    newest_first = sorted(events, key=lambda event: event.id, reverse=True)
    begins = _BEGINNINGS if failed else (*_BEGINNINGS, *_POWER)
    for index, event in enumerate(newest_first):
        if event.type.startswith(begins):
            return newest_first[: index + 1]
    return newest_first


def up_to_failure(run: Sequence[Event], state: str) -> list[Event]:
    """Of a run, newest first, what was logged until the machine came to `state`: later trouble is not its cause."""
    for index, event in enumerate(run):
        came_to_it = event.type == "Node changed status" and f"to '{state}'" in event.description
        if came_to_it or event.type == "Marking node failed":
            return list(run[index:])
    return list(run)


def sign_of_life(events: Sequence[Event]) -> Event | None:
    """The newest event that the machine itself gave rise to: it booted, asked for a file, ran a script."""
    own = (event for event in events if event.type not in _MAAS_OWN and not event.type.startswith("User "))
    # A script that MAAS gave up on changes its state without a word of the machine's.
    return next((event for event in own if "Timed out" not in event.description), None)


def heard_last(event: Event) -> str:
    """When and what, in a few words: `08:38 UTC, Loading ephemeral`."""
    at = f"{event.at:%H:%M} UTC, " if event.at is not None else ""
    return f"{at}{clean(event.text, 120)}"


def events_as_text(events: Sequence[Event]) -> str:
    """One line an event, oldest first, fit to be shown."""
    lines = []
    for event in sorted(events, key=lambda one: one.id):
        at = f"{event.at:%Y-%m-%d %H:%M:%S}" if event.at is not None else clean(event.created, 30)
        lines.append(f"{at}  {event.level:<8} {clean(event.text, 500)}")
    return printable("\n".join(lines))
