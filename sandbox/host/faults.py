"""Faults on demand: what the host does wrong, and how often. The texts are those of a real host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.switches import Switches

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
    "mirror-html": "The image mirror's address answers with a web page.",
    "clock": "The host's clock is not synchronised, and behind. Parameter: seconds.",
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


class HostFaults(Switches[Fault]):
    """The faults of the host that are on."""

    known = CATALOG
    parameters = PARAMETERS

    def _made(self, name: str, params: dict[str, Any]) -> Fault:
        return Fault(name, **params)

    def take(self, name: str, *, verb: str = "", step: str = "") -> Fault | None:
        """The fault if it concerns this; counts it."""
        return self._taken_if(name, lambda one: one.verb in ("", verb) and one.step in ("", step))
