"""Steps with snaps: snapd itself, MAAS's snaps, and MAAS's services."""

from __future__ import annotations

import time
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.debian import install_packages, packages
from bot.host.helper.fields import Fields, channel, snap_name
from bot.host.helper.postgres import TEST, Server
from bot.host.helper.programs import Tools, must
from bot.host.helper.snapd import change, installed, quiet, running_changes, series, snap
from bot.host.helper.step import Step


class SnapdReady(Step):
    name = "snapd"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not tools.has("snap"):
            return todo("snapd is not installed", "install it with apt, and start it")
        if self._half(tools):
            return todo("snapd is half installed", "bring its installation to its end, and start it")
        if not self._answers(tools):
            return todo("snapd does not answer", "start it")
        return done("snapd is installed and answers")

    def _half(self, tools: Tools) -> bool:
        """Its program may be there, unpacked, while nothing starts it yet."""
        return packages(tools, "snapd").get("snapd", ("installed", ""))[0] not in ("installed", "config-files")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        if not tools.has("snap") or self._half(tools):
            install_packages(tools, "snapd")
        if tools.place.systemd and not self._answers(tools):
            tools.do("systemctl", "enable", "--now", "snapd.socket", timeout=60)
            tools.do("systemctl", "restart", "snapd.service", timeout=120)
        tools.do("snap", "wait", "system", "seed.loaded", timeout=300)

    def _answers(self, tools: Tools) -> bool:
        try:
            snap(tools, "list")
        except Stopped:
            return False
        return True


class SnapInstall(Step):
    name = "snap-install"
    fields = Fields({"snap": snap_name, "channel": channel})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not tools.has("snap"):
            return blocked("not_installed", "snapd is not installed", "Install MAAS with install, which brings snapd.")
        name, wanted = given["snap"], given["channel"]
        there = installed(tools, name)
        if there is None:
            return todo(name + " is not installed", f"install {name} from {wanted}")
        if there.channel != wanted:
            return blocked(
                "other_channel",
                "{} {} is installed from {}".format(name, there.version, there.channel or "no channel"),
                f"Upgrade it to {wanted}, or reset the host first.",
            )
        if "disabled" in there.notes:
            return todo(f"{name} {there.version} is installed and disabled", "enable it")
        facts = {"version": there.version, "revision": there.revision, "channel": there.channel}
        text = f"{name} {there.version} is installed from {there.channel}"
        if name == TEST and not Server.test(tools).names_quietly():
            return todo(text + ", and its database does not answer", "start it and wait for its database", facts=facts)
        return done(text, facts=facts)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        name = given["snap"]
        there = installed(tools, name)
        if there is None:
            change(tools, "installing " + name, "install", "--channel=" + given["channel"], name)
        elif "disabled" in there.notes:
            change(tools, "enabling " + name, "enable", name)
        elif name == TEST:
            tools.do("snap", "start", name, timeout=120)
        if name == TEST:
            _wait_for_database(tools)


def _wait_for_database(tools: Tools) -> None:
    deadline = time.monotonic() + 90
    while not Server.test(tools).names_quietly():
        if time.monotonic() > deadline:
            raise Stopped(
                "cluster_down", "the database of maas-test-db does not answer", "See `snap logs maas-test-db`."
            )
        tools.at_work("waiting for the database of maas-test-db")
        tools.sleep(1)


class SnapRefresh(Step):
    name = "snap-refresh"
    fields = Fields({"snap": snap_name, "channel": channel})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name, wanted = given["snap"], given["channel"]
        there = installed(tools, name)
        if there is None:
            return blocked("not_installed", name + " is not installed", "Install it instead.")
        text = "{} {} is installed from {}".format(name, there.version, there.channel or "no channel")
        facts = {"version": there.version, "revision": there.revision, "channel": there.channel}
        if there.channel == wanted:
            return done(text, facts=facts)
        now, then = there.series, series(wanted)
        if now is not None and then is not None and then < now:
            return blocked(
                "downgrade", text, "MAAS can't go back to %d.%d: its database was migrated. Restore a backup." % then
            )
        if name == "maas" and then is not None:
            least = 14 if then >= (3, 5) else 12 if then >= (3, 2) else 0
            server = Server.of_region(tools)
            major = server.major() if server is not None else None
            if major is not None and major < least:
                return blocked(
                    "postgresql_too_old",
                    "%s, on PostgreSQL %d" % (text, major),
                    "MAAS %d.%d needs PostgreSQL %d or newer: upgrade it first." % (*then, least),
                )
        return todo(text, f"refresh {name} to {wanted}", facts=facts)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        change(tools, "refreshing " + given["snap"], "refresh", "--channel=" + given["channel"], given["snap"])


class SnapRemove(Step):
    name = "snap-remove"
    fields = Fields({"snap": snap_name})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        name = given["snap"]
        there = installed(tools, name)
        if there is not None:
            lost = [f"snap {name} {there.version} with all its data"]
            return todo(f"{name} {there.version} is installed", "remove it with its data", lost=lost)
        # Said to be not installed while its installation runs: then nothing may be concluded.
        if tools.has("snap") and any(f'"{name}"' in text for _, text in running_changes(tools)):
            return todo("snapd is just changing " + name, "wait for it, then remove it with its data")
        return done(name + " is not installed")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        quiet(tools)
        if installed(tools, given["snap"]) is not None:
            change(tools, "removing " + given["snap"], "remove", "--purge", given["snap"])


class MaasRestart(Step):
    name = "maas-restart"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = installed(tools, "maas")
        if there is None:
            return blocked("not_installed", "maas is not installed", "Install it first.")
        return todo(f"maas {there.version} is installed", "restart all its services", lost=["open sessions"])

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        quiet(tools)
        must(tools.do("snap", "restart", "maas", timeout=300), "restarting maas")

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        there = installed(tools, "maas")
        return done("maas was restarted") if there else blocked("not_installed", "maas is not installed")
