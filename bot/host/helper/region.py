"""What MAAS on this host says of itself: its configuration, its services, its API. Told apart by what is found."""

from __future__ import annotations

import os
import re
from typing import Any

from bot.host.helper.postgres import SOCKETS
from bot.host.helper.programs import Tools

_LOCAL = ("", "localhost", "127.0.0.1", "::1", "/var/run/postgresql", "/run/postgresql")


_CONF = 65_536
_MODES = ("region+rack", "region")
#: A line of YAML that means just what it says: no quotes, no escapes, no comment.
_PLAIN = re.compile(r"([a-z_]+): ([A-Za-z0-9/.][A-Za-z0-9_./+-]*(?:://?[A-Za-z0-9_./:+-]+)?)")


class RegionConfig:
    """`maas config`; `mode` is none before `maas init`."""

    def __init__(self, fields: dict[str, str]) -> None:
        #: MAAS is there, and did not tell: nothing may be concluded.
        self.unknown = False
        self.mode = fields.get("mode", "") or "none"
        self.url = fields.get("maas_url", "")
        self.host = fields.get("database_host", "")
        self.port = fields.get("database_port", "")
        self.database = fields.get("database_name", "")
        self.role = fields.get("database_user", "")
        self.password = fields.get("database_pass", "")

    @property
    def is_region(self) -> bool:
        return "region" in self.mode

    @property
    def test(self) -> bool:
        return self.host.rstrip("/") == SOCKETS

    @property
    def production(self) -> bool:
        """Whether it uses the host's own PostgreSQL."""
        return self.is_region and not self.test and self.host in _LOCAL and bool(self.database)

    @property
    def kind(self) -> str:
        return "test" if self.test else "production" if self.production else ""


def region_config(tools: Tools) -> RegionConfig:
    """The region's configuration, its password included; mode none when MAAS is not installed or can't say."""
    if not tools.has("maas"):
        return RegionConfig({})
    written = _written(tools)
    if written is not None:
        config = RegionConfig(written)
        if config.password:
            tools.hide(config.password)
        return config
    said = tools.ask_once("maas", "config", "--parsable", "--show-database-password", timeout=90)
    fields: dict[str, str] = {}
    if said.rc == 0:
        for line in said.out.splitlines():
            name, sign, value = line.strip().partition("=")
            if sign and re.fullmatch(r"[a-z_]+", name):
                fields[name] = "" if value == "None" else value
    config = RegionConfig(fields)
    config.unknown = not fields
    if config.password:
        tools.hide(config.password)
    return config


def _written(tools: Tools) -> dict[str, str] | None:
    """What `maas config` reads itself, which takes it seconds; None unless all of it is of the plainest form."""
    found = {}
    common = tools.place.at("/var/snap/maas/common")
    try:
        # As MAAS has it: it is not initialised as long as this file is not there.
        if os.path.isdir(common) and not os.path.lexists(common + "/snap_mode"):
            return {"mode": "none"}
        with open(common + "/snap_mode", encoding="utf-8") as stream:
            found["mode"] = stream.read(100).strip()
        with open(regiond_conf(tools), encoding="utf-8") as stream:
            text = stream.read(_CONF)
    except (OSError, UnicodeDecodeError):
        return None
    if found["mode"] not in _MODES or len(text) == _CONF:
        return None
    for line in text.splitlines():
        plain = _PLAIN.fullmatch(line)
        if plain is None:
            return None
        found[plain.group(1)] = "" if plain.group(2) == "null" else plain.group(2)
    return found if found.get("database_name") else None


def api_status(tools: Tools, timeout: float = 5.0) -> int | None:
    """The HTTP status of the API's version page; None when nothing answers."""
    # Loaded here, as it takes longer than all the rest of this program, and few requests need it.
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", tools.place.api_port, timeout=timeout)
    try:
        connection.request("GET", "/MAAS/api/2.0/version/", headers={"Host": "localhost"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers(status: int | None) -> bool:
    """Whether this is the API's own answer; with TLS it sends the asker on."""
    return status is not None and 200 <= status < 400


#: Which services a region and a rack must have. Others (dhcpd, dhcpd6, ntp, syslog) may run or not, as MAAS needs them.
_OF_REGION = ("regiond", "bind9", "proxy", "http", "nginx", "temporal", "apiserver", "temporal-worker")
_OF_RACK = ("rackd", "agent")
_MAY = ("dhcpd", "dhcpd6", "ntp", "syslog", "chrony", "rsyslog")

_SUPERVISOR = re.compile(
    r"^(\S+)\s+(RUNNING|STOPPED|STARTING|BACKOFF|STOPPING|EXITED|FATAL|UNKNOWN)\b\s*(.*)$"
)  # fmt: skip
_PEBBLE = re.compile(r"^(\S+)\s+(enabled|disabled)\s+(active|inactive|backoff|error)\s*(.*)$")


def services(tools: Tools) -> dict[str, Any]:
    """`maas status`, in either of its forms. Its exit status tells little: 3 is normal while DHCP is off."""
    if not tools.has("maas"):
        return {"initialised": False, "manager": "", "fault": "maas is not installed", "services": []}
    said = tools.ask("maas", "status", timeout=90)
    found: list[dict[str, Any]] = []
    manager = ""
    for line in said.out.splitlines():
        for name, form in (("supervisor", _SUPERVISOR), ("pebble", _PEBBLE)):
            match = form.match(line.strip())
            if match and match.group(1) != "Service":
                manager = name
                found.append(_service(name, match))
                break
    initialised = "MAAS is not configured" not in said.out
    fault = ""
    if not initialised:
        fault = "MAAS is not initialised"
    elif said.late:
        fault = "maas status did not answer"
    elif not found:
        fault = said.last or "maas status says nothing (exit status %d)" % said.rc
    if found:
        mode = region_config(tools).mode
        for one in found:
            one["expected"] = expected(one["name"], mode)
    return {"initialised": initialised, "manager": manager, "services": found, "fault": fault}


def _service(manager: str, match: re.Match[str]) -> dict[str, Any]:
    if manager == "supervisor":
        name, state, detail = match.groups()
        return {"name": name, "state": state, "running": state == "RUNNING", "detail": detail}
    name, startup, state, since = match.groups()
    return {"name": name, "state": state, "running": state == "active", "detail": (startup + " " + since).strip()}


def expected(name: str, mode: str) -> bool | None:
    """Whether a service should run in this mode; None: it may."""
    base = name.rpartition(":")[2].split(".")[0]
    base = re.sub(r"-\d+$", "", base)
    if base in _OF_REGION:
        return "region" in mode
    if base in _OF_RACK:
        return "rack" in mode
    if base in _MAY:
        return None
    return None


def regiond_conf(tools: Tools) -> str:
    return tools.place.at("/var/snap/maas/current/regiond.conf")


def permissions(path: str) -> str:
    """A file's mode like 0640; empty when it is not there."""
    try:
        return "%04o" % (os.stat(path).st_mode & 0o7777)
    except OSError:
        return ""
