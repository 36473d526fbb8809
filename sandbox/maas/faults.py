"""Faults on demand: what the region does wrong, for whom, and how often."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.maas.image_faults import IMAGE_FAULTS

CATALOG = {
    "down": "Connections are reset at once, as if the region did not run.",
    "unauthorized": "Calls are answered 401. Parameters: path, method, op, count.",
    "server-error": "Calls are answered 500, 503 or 504. Parameters: status, path, method, op, count.",
    "slow": "Calls are answered after a delay. Parameters: seconds, path, method, op, count.",
    "hang": "Calls are never answered. Parameters: path, method, op, count.",
    "reset": "The call is carried out, then its answer is lost. Parameters: path, method, op, count.",
    "hang-after": "The call is carried out, then never answered. Parameters: path, method, op, count.",
    "reset-before": "The connection drops before the call is carried out. Same parameters.",
    "dead-rack": "The rack controller is gone: its services are dead, power calls get 503.",
    "dhcpd-fails": "The rack's DHCP server does not start, whatever MAAS tells it.",
    "bmc-timeout": "BMCs do not answer: query_power_state gives 504 after 60 s. Parameters: machine, count.",
    "bmc-password": "BMCs refuse the password. Parameters: machine, count.",
    "commissioning-fails": "A commissioning script fails. Parameters: machine, script, count.",
    "machine-appears": "No fault: a machine enlists itself within 40 s. Clear and set it for another.",
    "testing-fails": "smartctl-validate fails. Parameters: machine, count.",
    **IMAGE_FAULTS,
}
"""Names and what they do; `machine` is a glob on system id and hostname, `count` the number of calls."""

PARAMETERS = {"path", "method", "op", "count", "status", "seconds", "machine", "script", "rate"}


@dataclass
class Fault:
    """`path` is a glob on the path after /MAAS/api/2.0/ ("machines/*"); `count` how many calls are left."""

    name: str
    path: str = "*"
    method: str = "*"
    op: str | None = None
    count: int | None = None
    status: int = 500
    seconds: float = 5.0
    machine: str = "*"
    script: str = "50-maas-01-commissioning"
    rate: float | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def fits(self, method: str, path: str, op: str | None) -> bool:
        return (
            fnmatch.fnmatchcase(path, self.path)
            and fnmatch.fnmatchcase(method, self.method.upper())
            and self.op in (None, op)
        )


class Faults:
    """The faults that are on. Several can be on at a time; each name at most once."""

    def __init__(self) -> None:
        self._active: dict[str, Fault] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every change."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

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
        self._active[name] = Fault(name, params=dict(params), **params)
        self._changed()

    def clear(self, name: str | None = None) -> None:
        """Switches one fault off, or all."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)
        self._changed()

    def active(self) -> dict[str, dict[str, Any]]:
        """Names of the faults that are on, with their parameters; `count` is what is left."""
        return {
            name: f.params if f.count is None else {**f.params, "count": f.count} for name, f in self._active.items()
        }

    def is_active(self, name: str) -> bool:
        return name in self._active

    def peek(self, name: str) -> Fault | None:
        """The fault, without counting a call."""
        return self._active.get(name)

    def take(self, name: str, method: str, path: str, op: str | None) -> Fault | None:
        """The fault if it concerns this call; counts the call."""
        fault = self._active.get(name)
        if fault is None or not fault.fits(method, path, op):
            return None
        self._count(fault)
        return fault

    def take_machine(self, name: str, system_id: str, hostname: str) -> Fault | None:
        """The fault if it concerns this machine; counts it."""
        fault = self._active.get(name)
        if fault is None or not any(fnmatch.fnmatchcase(n, fault.machine) for n in (system_id, hostname)):
            return None
        self._count(fault)
        return fault

    def _count(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            self._active.pop(fault.name, None)
