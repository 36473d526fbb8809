"""Can this host carry a region? Nothing is changed."""

from __future__ import annotations

import os
from typing import Any

from bot.host.helper.base import Stopped, blocked, done
from bot.host.helper.debian import broken_packages
from bot.host.helper.fields import Fields, channel, database_kind
from bot.host.helper.host_facts import disks, listeners, memory, os_release
from bot.host.helper.programs import Tools
from bot.host.helper.snapd import installed, running_changes
from bot.host.helper.step import Step

_GIB = 1 << 30
_LEAST_DISK = 5 * _GIB
_LEAST_MEMORY = 1 * _GIB
_PORTS = {53: "DNS", 67: "DHCP", 69: "TFTP", 5240: "MAAS's API", 5248: "MAAS's images", 5432: "PostgreSQL"}
_ARCHITECTURES = ("x86_64", "aarch64", "ppc64le", "s390x")


class Preflight(Step):
    name = "preflight"
    fields = Fields({"channel": channel, "database": database_kind})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        found = [
            self._system(tools),
            self._machine(),
            self._memory(),
            self._disk(tools),
            self._packages(tools),
            self._snapd(tools),
            self._ports(tools, given["database"]),
        ]
        bad = [one for one in found if not one["well"]]
        if bad:
            text = "; ".join(one["found"] for one in bad)
            return blocked("host_unfit", text, bad[0]["remedy"], findings=found)
        return done("the host can carry a region", findings=found)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        """Nothing to do: a look is all it is."""

    def _system(self, tools: Tools) -> dict[str, Any]:
        system = os_release(tools)
        name = system.get("PRETTY_NAME", "an unknown system")
        family = {system.get("ID", ""), *system.get("ID_LIKE", "").split()}
        well = bool(family & {"ubuntu", "debian"})
        return finding("system", well, name, "MAAS's snap and its database are installed on Ubuntu (20.04 to 24.04).")

    def _machine(self) -> dict[str, Any]:
        machine = os.uname().machine
        return finding("architecture", machine in _ARCHITECTURES, machine, "MAAS has no snap for it.")

    def _memory(self) -> dict[str, Any]:
        total, _ = memory()
        text = "%.1f GiB of memory" % (total / _GIB)
        return finding("memory", total >= _LEAST_MEMORY, text, "A region with its database needs 4 GiB to work well.")

    def _disk(self, tools: Tools) -> dict[str, Any]:
        least = min(disks(tools), key=lambda one: one["free"])
        text = "{:.1f} GiB free on {}".format(least["free"] / _GIB, least["path"])
        return finding("disk", least["free"] >= _LEAST_DISK, text, "Make room: images alone take 10 GiB and more.")

    def _packages(self, tools: Tools) -> dict[str, Any]:
        # Half installed ones are mended by the step that installs, so they are no reason to stop.
        broken = broken_packages(tools)
        return finding("packages", True, "half installed: " + ", ".join(broken[:5]) if broken else "all are whole")

    def _snapd(self, tools: Tools) -> dict[str, Any]:
        if not tools.has("snap"):
            return finding("snapd", True, "snapd is not installed yet")
        try:
            changes = running_changes(tools)
        except Stopped as stop:
            return finding("snapd", False, stop.message, stop.remedy)
        text = "snapd works on: " + changes[0][1] if changes else "snapd is idle"
        return finding("snapd", True, text)

    def _ports(self, tools: Tools, database: str) -> dict[str, Any]:
        try:
            ours = installed(tools, "maas") is not None
        except Stopped:
            ours = False
        taken = []
        for one in listeners(tools):
            port, process = one["port"], one["process"]
            if port not in _PORTS or (ours and port != 5432):
                continue
            if port == 5432 and (database == "test" or process.startswith("postgres")):
                continue
            # A resolver on an address of its own, or DHCP on a bridge of its own (libvirt), stands in nobody's way.
            if port in (53, 67, 69) and one["address"] not in ("0.0.0.0", "*", "::"):  # noqa: S104
                continue
            taken.append("port %d (%s) is taken by %s" % (port, _PORTS[port], process or "another program"))
        text = "; ".join(sorted(set(taken))) or "MAAS's ports are free or its own"
        return finding("ports", not taken, text, "Stop that program, or use another host.")


def finding(name: str, well: bool, found: str, remedy: str = "") -> dict[str, Any]:
    return {"name": name, "well": well, "found": found, "remedy": "" if well else remedy}
