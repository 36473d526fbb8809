"""`maas init` and MAAS's migrations: both are taken up again where they were cut."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bot.host.helper.base import Refused, Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, database_kind, maas_url, pg_name
from bot.host.helper.maas import FLOOD, question, region_server
from bot.host.helper.postgres import TEST_DATABASE, Server, fits, literal
from bot.host.helper.programs import Tools, must
from bot.host.helper.region import RegionConfig, answers, api_status, region_config
from bot.host.helper.snapd import installed
from bot.host.helper.step import Step


class MaasInit(Step):
    name = "maas-init"
    fields = Fields(
        {"database": database_kind},
        {"url": (maas_url, None), "name": (pg_name, None), "role": (pg_name, None)},
    )

    def read(self, arguments: Any) -> dict[str, Any]:
        given = super().read(arguments)
        for name in ("name", "role"):
            if (given[name] is None) == (given["database"] == "production"):
                raise Refused("bad_request", "goes with database production, and with that alone", "arguments." + name)
        return given

    def need(self, tools: Tools) -> None:
        """What it needs depends on the database: apply looks."""

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        found = self.verify(tools, given)
        # How many migrations there are, only MAAS knows: one that was cut late looks whole, and does not answer.
        if found["state"] == "done" and not answers(api_status(tools)):
            will = "run the migrations that did not run, and restart it"
            return todo(found["found"] + ", and it does not answer", will, facts=found["facts"])
        return found

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        """Whether it is initialised as wanted; it may still take its time to answer."""
        if installed(tools, "maas") is None:
            return blocked("not_installed", "maas is not installed", "Install it first.")
        config = region_config(tools)
        will = "initialise it as region and rack on the {} database".format(given["database"])
        if config.mode == "none":
            return todo("maas is not initialised", will)
        facts: dict[str, Any] = {"mode": config.mode, "url": config.url, "database": config.database}
        text = f"maas is initialised as {config.mode}"
        if not config.is_region:
            return blocked("other_database_set", text, "Reset the host first, or use another host.", facts=facts)
        name = given["name"] or TEST_DATABASE
        if config.kind != given["database"] or config.database != name:
            where = "{} on {}".format(config.database, config.host or "this host")
            return blocked("other_database_set", f"{text} with database {where}", "Reset the host first.", facts=facts)
        try:
            server = region_server(tools, config)
            if server is None or not server.has_database(name):
                return todo(f"{text}, and its database is gone", will, facts=facts)
            count = server.migrations(name)
        except Stopped as stop:
            return blocked(stop.cause, f"{text}, but: {stop.message}", stop.remedy, facts=facts)
        if count is None:
            will = "run the migrations to their end"
            return todo(f"{text}, and its database is half migrated", will, cause="half_migrated", facts=facts)
        if count == 0:
            return todo(f"{text}, and its database is empty", will, facts=facts)
        if given["database"] == "production" and not _password_fits(server, config):
            return todo(f"{text}, with a password that PostgreSQL does not take", will, facts=facts)
        if given["url"] is not None and config.url.rstrip("/") != given["url"]:
            return todo(f"{text} at {config.url}", "set its address to " + given["url"], facts=facts)
        facts["migrations"] = count
        return done("%s at %s, %d migrations ran" % (text, config.url, count), facts=facts)

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        found = self.verify(tools, given)
        if found["state"] == "done" or found.get("cause") == "half_migrated":
            migrate(tools)
            must(tools.do("snap", "restart", "maas", timeout=300), "restarting maas")
            return
        uri = self._uri(tools, given)
        # Order of its questions: (confirm, avoided by --force), database, address. An empty line takes its default.
        lines = "{}\n{}\n".format(uri, given["url"] or "")
        tools.at_work("initialising MAAS: this takes some minutes")
        said = tools.do("maas", "init", "region+rack", "--force", stdin=lines.encode(), timeout=1800, flood=FLOOD)
        if said.flood:
            raise Stopped("failed", "maas init asked something that is not known here: " + question(said.out))
        if said.late:
            raise Stopped("timeout", "maas init took longer than half an hour and was stopped")
        if said.rc:
            raise _init_fault(said.last, said.rc)
        if "MAAS has been set up" not in said.out:
            # Any table is enough for a newer init to pass the migrations over, also those that are missing.
            migrate(tools)

    def _uri(self, tools: Tools, given: dict[str, Any]) -> str:
        if given["database"] == "test":
            return "maas-test-db:///"
        server = Server.production(tools)
        stored = server.value(
            "SELECT coalesce(rolpassword, '-') FROM pg_authid WHERE rolname = {};".format(literal(given["role"]))
        )
        # An earlier init that was cut may have left a password that role-create rightly let stand.
        known = [tools.secrets.get("database_password"), region_config(tools).password]
        password = next((one for one in known if one and fits(one, given["role"], stored)), None)
        if password is None:
            raise Stopped(
                "wrong_password",
                "PostgreSQL does not take this password for " + given["role"],
                "Take the install up again: it sets the password anew.",
            )
        port = "" if server.port == 5432 else ":%d" % server.port
        # postgres, not postgresql: MAAS takes no other word.
        uri = "postgres://{}:{}@localhost{}/{}".format(given["role"], quote(password, safe=""), port, given["name"])
        tools.hide(uri)
        return uri


def _password_fits(server: Server, config: RegionConfig) -> bool:
    stored = server.value(f"SELECT coalesce(rolpassword, '-') FROM pg_authid WHERE rolname = {literal(config.role)};")
    return bool(stored) and fits(config.password, config.role, stored)


def _init_fault(last: str, rc: int) -> Stopped:
    if "password authentication failed" in last:
        return Stopped("wrong_password", "maas init: " + last, "Take the install up again: it sets the password anew.")
    if "Connection refused" in last or "could not connect" in last:
        return Stopped("cluster_down", "maas init: " + last)
    if "No space left" in last:
        return Stopped("disk_full", "maas init: " + last, "Make room, then run it again.")
    return Stopped("failed", "maas init failed: " + (last or "exit status %d" % rc))


def migrate(tools: Tools) -> None:
    tools.at_work("running the migrations")
    must(tools.do("maas", "migrate", timeout=1800, flood=FLOOD), "maas migrate", "half_migrated")


class MaasMigrate(Step):
    name = "maas-migrate"

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        found = self.verify(tools, given)
        if found["state"] == "done":
            return todo(found["found"], "run those that did not run yet")
        return found

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if installed(tools, "maas") is None:
            return blocked("not_installed", "maas is not installed", "Install it first.")
        config = region_config(tools)
        if not config.is_region:
            return blocked("not_initialised", "maas is not initialised as a region", "Install MAAS first: install.")
        server = region_server(tools, config)
        if server is None:
            return done(f"the database is on another host: {config.host}")
        count = server.migrations(config.database)
        if not count:
            return todo("the database is half migrated", "run the migrations to their end", cause="half_migrated")
        return done("%d migrations ran" % count, facts={"migrations": count})

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        migrate(tools)
