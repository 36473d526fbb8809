"""How durations and Slack's ids are written in the settings and in the policy."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

_DURATION = re.compile(r"\s*(\d+)\s*(s|m|h|d)\s*", re.IGNORECASE)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_USER_OR_GROUP = re.compile(r"[UWS][A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")


def parse_duration(value: object) -> timedelta:
    """Read `90s`, `30m`, `24 h` or `7d`.

    Raises:
        ValueError: anything else, zero included: a bare number has been read in the wrong unit often enough.
    """
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(str(value))
    if match is None or int(match[1]) == 0:
        raise ValueError("write a number with its unit, like 90s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[match[2].lower()]: int(match[1])})


def _split(value: object) -> object:
    return [part for part in re.split(r"[\s,]+", value) if part] if isinstance(value, str) else value


def _check_ids(pattern: re.Pattern[str], what: str, value: object) -> object:
    ids = _split(value)
    if isinstance(ids, list | tuple):
        wrong = [str(one) for one in ids if not pattern.fullmatch(str(one))]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: not {what}")
    return ids


def check_people(value: object) -> object:
    """A list of user and user-group ids, or such a list as one string.

    Raises:
        ValueError: which entries are neither.
    """
    return _check_ids(_USER_OR_GROUP, "a Slack user id (U…) or user-group id (S…)", value)


def check_channels(value: object) -> object:
    """A list of channel ids, or such a list as one string.

    Raises:
        ValueError: which entries are none.
    """
    return _check_ids(_CHANNEL, "a Slack channel id (C…)", value)


def check_one_channel(value: object) -> object:
    """One channel id or nothing.

    Raises:
        ValueError: no channel id, or several.
    """
    ids = check_channels(value) if value else []
    if isinstance(ids, list) and len(ids) > 1:
        raise ValueError("name one channel")
    return ids[0] if isinstance(ids, list) and ids else None


People = Annotated[tuple[str, ...], NoDecode, BeforeValidator(check_people)]
Channels = Annotated[tuple[str, ...], NoDecode, BeforeValidator(check_channels)]
OneChannel = Annotated[str | None, BeforeValidator(check_one_channel)]
Duration = Annotated[timedelta, NoDecode, BeforeValidator(parse_duration)]
