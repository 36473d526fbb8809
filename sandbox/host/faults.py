"""Faults on demand: what the host does wrong, and how often. The texts are those of a real host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CATALOG = {
    "off": "The host is off: nothing listens. What runs there is lost.",
    "silent": "Connections are taken, and nobody says a word.",
    "not-ssh": "Something else listens on the port.",
    "link-down": "The line is cut: nothing comes through, and no connection is closed.",
    "key-refused": "The bot's key is not accepted.",
    "too-many-keys": "The login ends after too many tries.",
    "host-key": "The host shows another key.",
    "max-sessions": "No further session is opened. Parameter: count.",
    "drop": "The connection ends in the middle of an answer. Parameters: verb, count.",
    "drop-before": "The connection ends before the request is carried out. Parameters: verb, count.",
    "killed": "The helper is killed by a signal. Parameters: verb, count.",
    "stall": "No answer comes. Parameters: verb, step, count.",
    "stall-before": "No answer comes, and the request is not carried out. Parameters: verb, step, count.",
    "slow": "Answers come late. Parameters: seconds, verb, count.",
    "bad-bytes": "The answer is no text. Parameters: verb, count.",
    "sudo-password": "sudo asks for a password.",
    "sudo-no-tty": "sudo wants a terminal.",
    "sudo-missing": "There is no sudo.",
    "helper-missing": "The helper is not installed.",
    "helper-old": "The helper speaks another protocol.",
    "helper-changed": "The helper is not the program that the bot installs.",
    "helper-broken": "The helper fails. Parameters: verb, count.",
    "busy": "Somebody else's job runs.",
    "lose-job": "The job that runs next is lost: a restart of the host. Parameters: step, count.",
    "step-fails": "A step fails with a cause. Parameters: step, cause, count.",
    "snapd-down": "snapd does not answer.",
    "api-late": "MAAS's port answers late. Parameter: seconds.",
    "service-dead": "A service of MAAS does not run. Parameter: service.",
    "mirror-dns": "The image mirror's name has no address on the host.",
    "mirror-tcp": "The image mirror refuses the connection of the host.",
    "mirror-http": "The image mirror answers 503.",
    "clock": "The host's clock is not synchronised.",
    "disk-full": "The host's disk is nearly full.",
}
"""Names and what they do; `step` and `verb` narrow them down, `count` is the number of times."""

PARAMETERS = {"verb", "step", "cause", "count", "seconds", "service"}


@dataclass
class Fault:
    """One fault that is on; `count` None: until it is switched off."""

    name: str
    verb: str = ""
    step: str = ""
    cause: str = "failed"
    count: int | None = None
    seconds: float = 5.0
    service: str = "regiond"


class HostFaults:
    """The faults that are on. Several can be on at a time; each name at most once."""

    def __init__(self) -> None:
        self._active: dict[str, Fault] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every change."""
        self._listeners.append(listener)

    def catalog(self) -> list[tuple[str, str]]:
        """Names and descriptions of all faults."""
        return list(CATALOG.items())

    def set(self, name: str, **params: Any) -> None:
        """Switches a fault on (or anew, with other parameters).

        Raises:
            ValueError: no fault, or no parameter, has this name.
        """
        if name not in CATALOG:
            raise ValueError(f"no fault is called {name!r}")
        if unknown := set(params) - PARAMETERS:
            raise ValueError(f"no parameter is called {', '.join(sorted(unknown))}")
        self._active[name] = Fault(name, **params)
        self._changed()

    def clear(self, name: str | None = None) -> None:
        """Switches one fault off, or all."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)
        self._changed()

    def active(self) -> dict[str, dict[str, Any]]:
        """Names of the faults that are on, with the number of times that are left."""
        return {name: {} if f.count is None else {"count": f.count} for name, f in self._active.items()}

    def is_active(self, name: str) -> bool:
        return name in self._active

    def peek(self, name: str) -> Fault | None:
        """The fault, without counting."""
        return self._active.get(name)

    def take(self, name: str, *, verb: str = "", step: str = "") -> Fault | None:
        """The fault if it concerns this; counts it."""
        fault = self._active.get(name)
        if fault is None or (fault.verb and fault.verb != verb) or (fault.step and fault.step != step):
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                del self._active[name]
        return fault

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
