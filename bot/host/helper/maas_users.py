"""MAAS's administrators, and the API keys of its users."""

from __future__ import annotations

import re
from typing import Any

from bot.host.helper.base import Refused, Stopped, blocked, done, todo
from bot.host.helper.fields import Fields, email, flag, user_name
from bot.host.helper.maas import FLOOD, question, region_server
from bot.host.helper.postgres import literal
from bot.host.helper.programs import Tools, must
from bot.host.helper.region import region_config
from bot.host.helper.step import Step


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
        said = tools.do("maas", "createadmin", stdin=lines.encode(), timeout=300, flood=FLOOD)
        if said.flood:
            raise Stopped("failed", "maas createadmin asked something that is not known here: " + question(said.out))
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
