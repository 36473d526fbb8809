"""What a region is to be like once it is set up: read from a TOML file or from a form, and checked without asking MAAS.

Everything in it is optional: what is not wished for is left as it is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from bot.maas.addresses import RangeFault, parse_range
from bot.maas.public_keys import KeyFault, read_public_key
from bot.operations.region_settings import is_secret

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_SOURCE = re.compile(r"(lp|gh):[A-Za-z0-9][A-Za-z0-9.+-]{0,60}")
_SPLIT = re.compile(r"[\s,]+")
#: Longest name of a region, and most entries of one list.
_LONGEST, _MOST = 120, 40
#: The architectures that MAAS has images for.
ARCHITECTURES = ("amd64", "arm64", "armhf", "i386", "ppc64el", "s390x")


class WishFault(ValueError):  # noqa: N818 - it is the fault that is named, and its text is for people
    """What is wrong with a wish, and where (`name` is that of the field), in a sentence without its full stop."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True, slots=True)
class SetupWish:
    """One set-up. Empty texts and tuples wish for nothing."""

    name: str = ""
    upstream_dns: str = ""
    main_archive: str = ""
    ports_archive: str = ""
    releases: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    ssh_import: tuple[str, ...] = ()
    dhcp_subnet: str = ""
    dhcp_range: str = ""
    dhcp_rack: str = ""
    import_images: bool = True
    complete_intro: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)


def read_toml(text: str) -> SetupWish:
    """The wish in a TOML file.

    Raises:
        WishFault: it is no TOML, has names that mean nothing, or values that can't be; the text says which.
    """
    try:
        raw = tomllib.loads(text.lstrip("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        what = "a web page" if text.lstrip()[:1] == "<" else "no TOML"
        raise WishFault("", f"this is {what}: {str(error)[:150]}") from None
    dhcp = _table(raw, "dhcp")
    settings = _table(raw, "settings")
    _known("", raw, [*_READERS, *_FLAGS, "dhcp", "settings"])
    _known("dhcp.", dhcp, [name.partition("_")[2] for name in _DHCP])
    values: dict[str, Any] = {name: _flag(name, raw[name]) for name in _FLAGS if name in raw}
    values.update({name: _texts(name, raw[name]) for name in _READERS if name in raw})
    values.update({name: _texts(name, dhcp[name[5:]]) for name in _DHCP if name[5:] in dhcp})
    return make_wish(values, {name: _setting(name, value) for name, value in settings.items()})


def make_wish(values: Mapping[str, Any], settings: Mapping[str, str] | None = None) -> SetupWish:
    """A wish from texts, as they stand in a form; lists are separated by blanks or commas, keys by lines.

    Raises:
        WishFault: a value can't be.
    """
    read = {name: reader(name, str(values.get(name) or "")) for name, reader in {**_READERS, **_DHCP}.items()}
    flags: dict[str, Any] = {name: bool(values[name]) for name in _FLAGS if name in values}
    if read["architectures"] and not read["releases"]:
        raise WishFault("architectures", "architectures go with releases, and no release is named")
    if read["releases"] and not read["architectures"]:
        read["architectures"] = ("amd64",)
    if not read["dhcp_subnet"] and (read["dhcp_range"] or read["dhcp_rack"]):
        raise WishFault("dhcp_subnet", "a range or a rack for DHCP goes with a subnet, and none is named")
    return SetupWish(**read, **flags, settings=dict(settings or {}))


def faults_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with the texts of a form, by field; each field is looked at, so that all faults show at once."""
    found = {}
    for name, reader in {**_READERS, **_DHCP}.items():
        try:
            reader(name, str(values.get(name) or ""))
        except WishFault as fault:
            found[name] = f"{fault}."
    if found:
        return found
    try:
        make_wish(values)
    except WishFault as fault:
        return {fault.name: f"{fault}."}
    return {}


# -- one reader a value ---------------------------------------------------------------------------------------------


def _line(name: str, text: str) -> str:
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        raise WishFault(name, f"{name} is {len(line)} characters long; {_LONGEST} fit")
    return line


def _addresses(name: str, text: str) -> str:
    parts = _parts(text)
    for part in parts:
        try:
            ip_address(part)
        except ValueError:
            raise WishFault(name, f"{part[:60]} in {name} is no IP address") from None
    return " ".join(parts)


def _url(name: str, text: str) -> str:
    url = text.strip()
    try:
        parts = urlsplit(url)
        well = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname) and not re.search(r"\s", url))
    except ValueError:
        well, parts = False, urlsplit("")
    if not well:
        raise WishFault(name, f"{url[:60]} in {name} is no web address; it begins with http:// or https://")
    if parts.password or parts.username:
        raise WishFault(name, f"the address in {name} holds a password, which others would read; set it in MAAS itself")
    return url


def _releases(name: str, text: str) -> tuple[str, ...]:
    parts = [part.lower().removeprefix("ubuntu/") for part in _parts(text)]
    for part in parts:
        if not _NAME.fullmatch(part):
            raise WishFault(name, f"{part[:60]} is no name of a release; names are like focal, jammy, noble")
    return _several(name, parts)


def _architectures(name: str, text: str) -> tuple[str, ...]:
    parts = [part.lower() for part in _parts(text)]
    for part in parts:
        if part not in ARCHITECTURES:
            near = get_close_matches(part, ARCHITECTURES, 1, 0.4)
            hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(ARCHITECTURES)}"
            raise WishFault(name, f"{part[:60]} is no architecture of MAAS{hint}")
    return _several(name, parts)


def _keys(name: str, text: str) -> tuple[str, ...]:
    lines = [line for line in text.splitlines() if line.strip()]
    if "PRIVATE KEY" in text:
        lines = [text]
    try:
        return _several(name, [read_public_key(line).line for line in lines])
    except KeyFault as fault:
        raise WishFault(name, f"{name}: {fault}") from None


def _sources(name: str, text: str) -> tuple[str, ...]:
    parts = _parts(text)
    for part in parts:
        if not _SOURCE.fullmatch(part):
            raise WishFault(name, f"{part[:60]} names nobody's keys; write lp:NAME (Launchpad) or gh:NAME (GitHub)")
    return _several(name, parts)


def _range(name: str, text: str) -> str:
    if not text.strip():
        return ""
    try:
        found = parse_range(text)
    except RangeFault as fault:
        raise WishFault(name, str(fault)) from None
    return f"{found.first}-{found.last}"


_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "name": _line,
    "upstream_dns": _addresses,
    "main_archive": _url,
    "ports_archive": _url,
    "releases": _releases,
    "architectures": _architectures,
    "ssh_keys": _keys,
    "ssh_import": _sources,
}
_DHCP: Mapping[str, Callable[[str, str], Any]] = {"dhcp_subnet": _line, "dhcp_range": _range, "dhcp_rack": _line}
_FLAGS = ("import_images", "complete_intro")
#: Settings that a wish has another name for.
_OWN = {"maas_name": "name", "upstream_dns": "upstream_dns, before any [table]", "completed_intro": "complete_intro"}


# -- TOML -------------------------------------------------------------------------------------------------------------


def _table(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = raw.get(name, {})
    if not isinstance(found, dict):
        raise WishFault(name, f"{name} is a table; write [{name}] and its lines below it")
    return found


def _known(prefix: str, given: Iterable[str], names: Iterable[str]) -> None:
    known = list(names)
    for name in given:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = f"; did you mean {prefix}{near[0]}?" if near else f"; there are {', '.join(known)}"
            raise WishFault(name, f"{prefix}{name[:60]} means nothing here{hint}")


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WishFault(name, f"{name} is true or false")
    return value


def _texts(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    raise WishFault(name, f"{name.replace('_', '.', 1) if name in _DHCP else name} is a text, or a list of texts")


def _setting(name: str, value: Any) -> str:
    if name in _OWN:
        raise WishFault(name, f"settings.{name} has a name of its own here: {_OWN[name]}")
    if is_secret(name):
        raise WishFault(name, f"settings.{name} is a secret, which others would read here; set it in MAAS itself")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise WishFault(name, f"settings.{name} is a text, a number, true or false")


def _parts(text: str) -> list[str]:
    return [part for part in _SPLIT.split(text) if part]


def _several(name: str, parts: list[str]) -> tuple[str, ...]:
    if len(parts) > _MOST:
        raise WishFault(name, f"{name} has {len(parts)} entries; {_MOST} fit")
    return tuple(dict.fromkeys(parts))
