"""The fields of a request: every one is checked here, whatever the bot did before."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, NoReturn

from bot.host.helper.base import MAX_LOG, MAX_REQUEST, SPEAKS, Refused

Check = Callable[[Any], Any]

_RESERVED = ("postgres", "template0", "template1", "public")


def form(pattern: str, what: str) -> Check:
    """A check for text that has this form from its first to its last character."""
    whole = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not whole.fullmatch(value):
            raise ValueError("must be " + what)
        return value

    return check


def choice(*words: str) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return value

    return check


def whole_number(least: int, most: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError("must be a whole number from %d to %d" % (least, most))
        return value

    return check


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - one kind of error for all fields
    return value


def seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 30:
        raise ValueError("must be seconds from 0 to 30")
    return float(value)


def one_line(least: int, most: int, allowed: str = "") -> Check:
    """A check for one line of text: no control characters, nothing that is no character."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or not least <= len(value) <= most:
            raise ValueError("must be text of %d to %d characters" % (least, most))
        if not value.isprintable():
            raise ValueError("must be one line without control characters")
        if allowed == "ascii" and not value.isascii():
            raise ValueError("must be plain ASCII")
        return value

    return check


_pg_form = form(r"[a-z_][a-z0-9_]{0,62}", "a name of small letters, digits and _")


def pg_name(value: Any) -> str:
    name: str = _pg_form(value)
    if name.startswith("pg_") or name in _RESERVED:
        raise ValueError("is PostgreSQL's own")
    return name


def pg_names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > 20:
        raise ValueError("must be a list of at most 20 names")
    return tuple(pg_name(one) for one in value)


channel = form(r"(latest|[1-9]\.[0-9]{1,2})/(stable|candidate|beta|edge)", "a channel like 2.9/stable")
user_name = form(r"[A-Za-z0-9][A-Za-z0-9@.+_-]{0,149}", "a user name of letters, digits and @ . + - _")
email = form(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,189}", "an e-mail address")
maas_url = form(r"https?://[A-Za-z0-9\[][A-Za-z0-9.:\]-]{0,200}/MAAS", "an address like http://HOST:5240/MAAS")
job_id = form(r"[a-z0-9][a-z0-9-]{2,63}", "an id of 3 to 64 small letters, digits and -")
snap_name = choice("maas", "maas-test-db", "maas-cli")
database_kind = choice("test", "production")
log_name = form(r"[a-z][a-z0-9-]{0,31}", "a log's name")

#: A password goes into an address and into PostgreSQL's own form of it, which is only sure for plain ASCII.
SECRETS: Dict[str, Check] = {
    "database_password": one_line(8, 128, "ascii"),
    "admin_password": one_line(8, 128),
}


class Fields:
    """Which arguments something takes: name → check. Those of `optional` may be left out or null."""

    def __init__(
        self, required: dict[str, Check] | None = None, optional: dict[str, tuple[Check, Any]] | None = None
    ) -> None:
        self.required = required or {}
        self.optional = optional or {}

    def read(self, given: Any) -> dict[str, Any]:
        """The arguments, checked and complete.

        Raises:
            Refused: one is missing, unknown or wrong.
        """
        if not isinstance(given, dict):
            raise Refused("bad_request", "arguments must be an object", "arguments")
        for name in given:
            if name not in self.required and name not in self.optional:
                raise Refused("bad_request", "there is no argument of this name", "arguments." + shown(name))
        found: dict[str, Any] = {}
        for name, check in self.required.items():
            if given.get(name) is None:
                raise Refused("bad_request", "is missing", "arguments." + name)
            found[name] = checked(check, given[name], "arguments." + name)
        for name, (check, otherwise) in self.optional.items():
            value = given.get(name)
            found[name] = otherwise if value is None else checked(check, value, "arguments." + name)
        return found


def checked(check: Check, value: Any, field: str) -> Any:
    """The value, or Refused with the field's name. The value is never repeated: it may be a secret in a wrong place."""
    try:
        return check(value)
    except ValueError as error:
        raise Refused("bad_request", str(error), field) from None


def shown(name: str) -> str:
    """An unknown name, made fit for a message."""
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "_-.") else "?" for letter in name[:40]
    )


_TOP: Dict[str, Check] = {
    "verb": choice("hello", "check", "run", "status", "log", "jobs", "query", "secret"),
    "step": form(r"[a-z][a-z0-9-]{0,40}", "a step's name"),
    "job": job_id,
    "query": form(r"[a-z][a-z0-9-]{0,40}", "a query's name"),
    "offset": whole_number(0, 2**53),
    "limit": whole_number(1, MAX_LOG),
    "wait": seconds,
}


def read_request(data: bytes) -> dict[str, Any]:
    """The request on stdin, with every field of its envelope checked; arguments are checked by whom they are for.

    Raises:
        Refused: it is not what the protocol says, or of another version.
    """
    if len(data) > MAX_REQUEST:
        raise Refused("bad_request", "the request is longer than %d bytes" % MAX_REQUEST)
    try:
        request = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
        json.dumps(request, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        # The error's own text would repeat a piece of the request.
        raise Refused("bad_request", "the request is not one JSON document in UTF-8") from None
    if not isinstance(request, dict):
        raise Refused("bad_request", "the request must be an object")
    protocol = request.get("protocol")
    if isinstance(protocol, bool) or not isinstance(protocol, int):
        raise Refused("bad_request", "must be a whole number", "protocol")
    if protocol not in SPEAKS:
        raise Refused("version", "this helper does not speak protocol %d" % protocol, details={"speaks": list(SPEAKS)})
    read: dict[str, Any] = {"arguments": request.get("arguments", {}), "secrets": _secrets(request.get("secrets"))}
    for name, value in request.items():
        if name in ("protocol", "arguments", "secrets"):
            continue
        if name not in _TOP:
            raise Refused("bad_request", "there is no field of this name", shown(name))
        if value is not None:
            read[name] = checked(_TOP[name], value, name)
    if "verb" not in read:
        raise Refused("bad_request", "is missing", "verb")
    return read


def needed(request: dict[str, Any], name: str) -> Any:
    """A field that this verb can't do without."""
    if name not in request:
        raise Refused("bad_request", "is missing", name)
    return request[name]


def _secrets(given: Any) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Refused("bad_request", "must be an object", "secrets")
    for name in given:
        if name not in SECRETS:
            raise Refused("bad_request", "there is no secret of this name", "secrets." + shown(name))
    return {name: checked(SECRETS[name], value, "secrets." + name) for name, value in given.items()}


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _constant(_: str) -> NoReturn:
    raise ValueError("no number")
