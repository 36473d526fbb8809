"""Steps with MAAS's own program. It takes 2 to 6 s a call, and at the end of its input it asks for ever."""

from __future__ import annotations

import os
import re
import time
from typing import Any
from urllib.parse import quote

from bot.host.helper.base import Refused, Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, database_kind, email, flag, maas_url, pg_name, user_name, whole_number
from bot.host.helper.postgres import TEST_DATABASE, Server, fits, literal
from bot.host.helper.programs import Tools, must
from bot.host.helper.region import RegionConfig, answers, api_status, permissions, region_config, regiond_conf, services
from bot.host.helper.snaps import installed
from bot.host.helper.step import Step

#: More than any of its runs writes; prompts at the end of input write megabytes in seconds.
_FLOOD = 400_000


def region_server(tools: Tools, config: RegionConfig) -> Server | None:
    """The server of the region's database, if it is on this host.

    Raises:
        Stopped: it is the host's own, and does not run.
    """
    if config.test:
        return Server.test(tools)
    return Server.production(tools) if config.production else None


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
        config = region_config(tools, password=True)
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
        said = tools.do("maas", "init", "region+rack", "--force", stdin=lines.encode(), timeout=1800, flood=_FLOOD)
        if said.flood:
            raise Stopped("failed", "maas init asked something that is not known here: " + _question(said.out))
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
        known = [tools.secrets.get("database_password"), region_config(tools, password=True).password]
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


def _question(text: str) -> str:
    return text[:4000].strip().splitlines()[-1][:120] if text.strip() else "nothing"


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
    must(tools.do("maas", "migrate", timeout=1800, flood=_FLOOD), "maas migrate", "half_migrated")


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
            tools.at_work("waiting for the API, %d s so far" % (time.monotonic() - begun))
            tools.sleep(1)

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


def user_facts(tools: Tools, name: str, mail: str = "") -> tuple[str, str]:
    """What a user is (none, user, admin), and who else has this mail address. From the database where it is at hand."""
    config = region_config(tools)
    server = region_server(tools, config)
    if server is not None and server.migrations(config.database):
        rows = server.rows(
            f"SELECT username, is_superuser, email FROM auth_user WHERE username = {literal(name)}"
            f" OR (email <> '' AND email = {literal(mail)});",
            config.database,
        )
        kind = "none"
        other = ""
        for username, superuser, address in rows:
            if username == name:
                kind = "admin" if superuser == "t" else "user"
            elif address == mail:
                other = username
        return kind, other
    said = tools.ask("maas", "apikey", "--username=" + name, timeout=90)
    return ("admin" if said.rc == 0 else "none"), ""


class MaasAdmin(Step):
    name = "maas-admin"
    fields = Fields({"username": user_name, "email": email})
    secrets = ("admin_password",)

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        if not region_config(tools).is_region:
            return blocked("not_initialised", "maas is not initialised", "Install MAAS first: install.")
        name = given["username"]
        kind, other = user_facts(tools, name, given["email"])
        if kind == "admin":
            return done(f"administrator {name} is there; its password is left as it is")
        if kind == "user":
            return blocked("duplicate_admin", f"{name} is there, and is no administrator", "Choose another name.")
        if other:
            return blocked(
                "duplicate_admin", "{} is the address of {}".format(given["email"], other), "Choose another address."
            )
        return todo("there is no user " + name, "make it an administrator")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        password = tools.secrets["admin_password"]
        # Without a terminal it takes them from its input: user, password twice, mail, no key from elsewhere.
        lines = "\n".join([given["username"], password, password, given["email"], "", ""])
        said = tools.do("maas", "createadmin", stdin=lines.encode(), timeout=300, flood=_FLOOD)
        if said.flood:
            raise Stopped("failed", "maas createadmin asked something that is not known here: " + _question(said.out))
        if "already exists" in said.out or "duplicate key" in said.out:
            raise Stopped("duplicate_admin", "maas createadmin: " + said.last, "Choose another name or address.")
        must(said, "maas createadmin")


_KEY = re.compile(r"[A-Za-z0-9]+:[A-Za-z0-9]+:[A-Za-z0-9]+")
APIKEY_FIELDS = Fields({"username": user_name}, {"mint": (flag, True)})


def api_key(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    """The user's first API key, so that asking again gives the same; a new one when there is none.

    Raises:
        Refused: MAAS is not there, or has no such user.
    """
    if not tools.has("maas"):
        raise Refused("unavailable", "maas is not installed")
    for minted, more in ((False, []), (True, ["--generate"])):
        said = tools.ask("maas", "apikey", "--username=" + given["username"], *more, timeout=90)
        keys = [line.strip() for line in said.out.splitlines() if _KEY.fullmatch(line.strip())]
        if keys:
            return {"secret": keys[0], "minted": minted}
        if "User does not exist" in said.out:
            raise Refused("failed", "MAAS has no user " + given["username"], details={"cause": "no_such_user"})
        if said.rc:
            raise Refused("failed", "maas apikey: " + tools.redaction.text(said.last))
        if not given["mint"]:
            raise Refused("failed", "this user has no API key", details={"cause": "no_key"})
    raise Refused("failed", "maas apikey printed no key")
