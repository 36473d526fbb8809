"""Faults on demand: what the region does wrong, for whom, and how often."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import Any

from sandbox.maas.image_faults import IMAGE_FAULTS
from sandbox.switches import Switches

CATALOG = {
    "down": "Connections are reset at once, as if the region did not run.",
    "unauthorized": "Calls are answered 401. Parameters: path, method, op, count.",
    "server-error": "Calls are answered 500, 503 or 504. Parameters: status, path, method, op, count.",
    "slow": "Calls are answered after a delay. Parameters: seconds, path, method, op, count.",
    "hang": "Calls are never answered. Parameters: path, method, op, count.",
    "reset": "The call is carried out, then its answer is lost. Parameters: path, method, op, count.",
    "hang-after": "The call is carried out, then never answered. Parameters: path, method, op, count.",
    "reset-before": "The connection drops before the call is carried out. Same parameters.",
    "says-yes": "The call is answered with null, and carried out `seconds` later; 0: never. Same parameters.",
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


class Faults(Switches[Fault]):
    """The faults of the region that are on."""

    known = CATALOG
    parameters = PARAMETERS

    def _made(self, name: str, params: dict[str, Any]) -> Fault:
        return Fault(name, params=dict(params), **params)

    def active(self) -> dict[str, dict[str, Any]]:
        """Names of the faults that are on, with their parameters; `count` is what is left."""
        return {name: {**self._active[name].params, **left} for name, left in super().active().items()}

    def take(self, name: str, method: str, path: str, op: str | None) -> Fault | None:
        """The fault if it concerns this call; counts the call."""
        return self._taken_if(name, lambda one: one.fits(method, path, op))

    def take_machine(self, name: str, system_id: str, hostname: str) -> Fault | None:
        """The fault if it concerns this machine; counts it."""
        names = (system_id, hostname)
        return self._taken_if(name, lambda one: any(fnmatch.fnmatchcase(each, one.machine) for each in names))
