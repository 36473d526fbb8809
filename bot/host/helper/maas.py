"""Steps with an initialised MAAS: who may read its configuration, and whether its API answers."""

from __future__ import annotations

import os
import time
from typing import Any

from bot.host.helper.base import Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, whole_number
from bot.host.helper.postgres import Server
from bot.host.helper.programs import Tools
from bot.host.helper.region import RegionConfig, answers, api_status, permissions, regiond_conf, services
from bot.host.helper.step import Step

#: More than any of its runs writes; prompts at the end of input write megabytes in seconds.
FLOOD = 400_000


def region_server(tools: Tools, config: RegionConfig) -> Server | None:
    """The server of the region's database, if it is on this host.

    Raises:
        Stopped: it is the host's own, and does not run.
    """
    if config.test:
        return Server.test(tools)
    return Server.production(tools) if config.production else None


def question(text: str) -> str:
    """What a program of MAAS's asked last, for a message."""
    return text[:4000].strip().splitlines()[-1][:120] if text.strip() else "nothing"


class MaasPermissions(Step):
    name = "maas-permissions"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        path = regiond_conf(tools)
        mode = permissions(path)
        if not mode:
            return blocked("not_initialised", "there is no regiond.conf", "Install MAAS first: install.")
        if int(mode, 8) & 0o037:
            return todo(
                f"regiond.conf has mode {mode}: everybody on the host reads the database's password", "set 0640"
            )
        return done("regiond.conf has mode " + mode)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        descriptor = os.open(regiond_conf(tools), os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fchmod(descriptor, 0o640)
        finally:
            os.close(descriptor)


class MaasReady(Step):
    name = "maas-ready"
    fields = Fields(optional={"timeout": (whole_number(5, 1800), 600)})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not tools.has("maas"):
            return blocked("not_installed", "maas is not installed", "Install it first.")
        status = api_status(tools)
        if answers(status):
            return done("the API answers")
        text = "the API does not answer yet" if status is None else "the API answers with HTTP %d" % status
        return todo(text, "wait until it answers", cause="api_late")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        deadline = time.monotonic() + given["timeout"]
        begun = time.monotonic()
        while not answers(api_status(tools)):
            if time.monotonic() > deadline:
                raise self._late(tools, given["timeout"])
            waited = time.monotonic() - begun
            tools.at_work("waiting for the API, %d s so far" % waited)
            tools.sleep(0.2 if waited < 10 else 1)

    def _late(self, tools: Tools, seconds: int) -> Stopped:
        state = services(tools)
        down = [
            "{} {}".format(one["name"], one["state"])
            for one in state["services"]
            if one["expected"] and not one["running"]
        ]
        text = "the API does not answer after %d s" % seconds
        if state["fault"]:
            text += "; " + state["fault"]
        if down:
            text += "; not running: " + ", ".join(down)
        return Stopped("api_late", text, "See logs regiond.")
