"""A region's settings: which there are, which of them are secret, and changing one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bot.maas.errors import BadRequest
from bot.maas.region import Region
from bot.maas.service import RegionService
from bot.operations.plan import Plan
from bot.operations.step_plans import PlannedStep, no_administrator, plan_nothing, plan_steps
from bot.operations.steps import OperationStep, StepContext, StepFailedError, StepKind

LOCKS = ("config",)
_LISTED = re.compile(r"valid settings are:\s*([^)]*)\)")
#: Settings whose value is a password or a key: never shown, and never taken from a channel.
_SECRET = re.compile(r"password|secret|k_g|omapi_key|rpc_shared|token|vault|private", re.IGNORECASE)
_TRUE, _FALSE = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
#: Settings that are lists: MAAS takes commas for blanks there, and nowhere else.
_LISTS = frozenset({"upstream_dns", "ntp_servers", "dns_trusted_acl"})
#: Longest value that a message shows whole.
_SHOWN = 300


def is_secret(name: str) -> bool:
    """Whether a setting's value must not be shown, nor typed where others read."""
    return bool(_SECRET.search(name))


def told(value: Any, name: str = "") -> str:
    """A value for people: `not set`, `yes`, the text itself; a secret as whether it is set, URLs without password."""
    if value is None or value == "":
        return "not set"
    if is_secret(name):
        return "set (a secret, not shown)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = _without_password(str(value))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


async def setting_names(api: Region) -> list[str]:
    """All settings that this region has: MAAS lists them when it is asked for one that does not exist."""
    try:
        await api.get_config("which-settings-are-there")
    except BadRequest as error:
        found = _LISTED.search(" ".join(text for texts in error.fields.values() for text in texts) or error.problem)
        names = found.group(1).rstrip(" .…").split(",") if found is not None else []
        return [name.strip() for name in names if name.strip()]
    return []


def nearest(name: str, names: Sequence[str]) -> list[str]:
    """The settings that a mistyped name may mean."""
    wanted = name.lower().replace("-", "_")
    inside = [one for one in names if wanted and wanted in one]
    return (inside or get_close_matches(wanted, names, 3, 0.5))[:4]


def fitting(name: str, today: Any, text: str) -> str:
    """The value as MAAS is to get it, for a setting whose value today is of some kind.

    MAAS takes any word for true, so that a slip of the thumb would switch things on.

    Raises:
        ValueError: it does not fit; the text says what does.
    """
    if isinstance(today, bool):
        word = text.strip().lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{name} is yes or no, and {text[:60] or 'nothing'} is neither")
        return "true" if word in _TRUE else "false"
    if isinstance(today, int) and not re.fullmatch(r"-?\d+", text.strip()):
        raise ValueError(f"{name} is a whole number, and {text[:60] or 'nothing'} is none")
    if _without_password(text) != text:
        raise ValueError(f"this value of {name} holds a password, which would be read by others; set it in MAAS itself")
    return text.strip()


def is_same(name: str, today: Any, wanted: str) -> bool:
    """Whether a setting has this value already, however MAAS writes it."""
    if isinstance(today, bool):
        return today == (wanted == "true")
    now = " ".join(map(str, today)) if isinstance(today, list) else str("" if today is None else today)
    if name in _LISTS:
        now, wanted = now.replace(",", " "), wanted.replace(",", " ")
    return now.split() == wanted.split()


class ConfigStep(OperationStep):
    """A setting that has a value afterwards."""

    look_every, patience = 1.0, 20.0

    def __init__(self, name: str, value: str, title: str = "", key: str = "") -> None:
        self.name = name
        self.value = value
        self.key = key or f"setting-{name}"
        self.title = title or name

    async def check(self, context: StepContext) -> str | None:
        """MAAS has it so."""
        today = await context.region.api.get_config(self.name)
        return told(today, self.name) if is_same(self.name, today, self.value) else None

    async def apply(self, context: StepContext) -> None:
        """Set it; what MAAS has against the value is told in its own words."""
        try:
            await context.region.api.set_config(self.name, self.value)
        except BadRequest as error:
            said = " ".join(text for texts in error.fields.values() for text in texts) or error.problem
            raise StepFailedError(
                f"MAAS does not take this value for {self.name}: {said}", "The setting is as it was."
            ) from None


class ConfigSetting(StepKind):
    """The kind `config-set`. Its options are `name` and `value`."""

    name = "config-set"
    verb, participle, past = "Set", "Setting", "Set"

    def steps(self, options: Mapping[str, Any]) -> Sequence[OperationStep]:
        """One."""
        return (ConfigStep(options["name"], options["value"]),)

    async def plan(self, region: RegionService, options: Mapping[str, Any]) -> Plan:
        """Look at the value of today."""
        name = options["name"]
        if (why := await no_administrator(region)) is not None:
            return plan_nothing(self, region.name, options, name, why, LOCKS)
        today = await region.api.get_config(name)
        if is_same(name, today, options["value"]):
            return plan_nothing(self, region.name, options, name, f"it is {told(today, name)} already", LOCKS)
        wanted = told(options["value"] == "true" if isinstance(today, bool) else options["value"], name)
        step = PlannedStep(self.steps(options)[0], told(today, name), wanted)
        return plan_steps(self, region.name, options, [step], title=f"Set {name}", subject=name, locks=LOCKS)


def _without_password(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        if parts.scheme not in {"http", "https"} or not (parts.password or parts.username):
            return text
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return text
    return urlunsplit(parts._replace(netloc=f"***@{host}"))
