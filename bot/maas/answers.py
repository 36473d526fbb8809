"""From an HTTP answer that is no success to the error that says what to do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.maas.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayTimeout,
    MaasError,
    NotFound,
    RegionBusy,
    RegionUnreachable,
    ServerFault,
    Unauthorized,
    UnexpectedAnswer,
    clean,
)

#: MAAS refuses a timestamp that is further away than this (seconds).
CLOCK_THRESHOLD = 300.0

#: Longest message about one field, in characters: the one that lists all settings is 1,200 long.
_FIELD = 4000

_HIDDEN = re.compile(r"<(head|style|script)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

#: How a region says that a call is for administrators.
_FOR_ADMINS = ("reserved for admin users", "not allowed access to this API")
_FORBIDDEN_REMEDIES = {
    "mark_broken": ("Only the machine's owner may mark it broken, administrator or not: allocate it first."),
    "commission": ("The machine is locked (unlock it), or the key's user is no administrator."),
    "power_parameters": "Only administrators may read power parameters: use an administrator's key.",
}


def plain_text(body: str, content_type: str) -> str:
    """What a person would read in `body`: tags of HTML removed, one line."""
    if "html" not in content_type and body.lstrip()[:1] != "<":
        return clean(body)
    text = clean(html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", body))))
    title = _TITLE.search(body)
    return text or (clean(html.unescape(title.group(1))) if title else "")


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The Retry-After header in seconds, from either of its two forms; None when absent or unreadable."""
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    moment = _http_date(value)
    return max(0.0, (moment - now).total_seconds()) if moment else None


def clock_difference(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds `now` is ahead of the answer's Date header; None when there is none."""
    moment = _http_date(headers.get("Date", ""))
    return (now - moment).total_seconds() if moment else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def unauthorized(headers: Mapping[str, str], now: datetime, *, endpoint: str) -> Unauthorized:
    """The error for a 401. It looks at the Date header alone: the body may hold the API key's secret."""
    ahead = clock_difference(headers, now)
    if ahead is not None and abs(ahead) > CLOCK_THRESHOLD:
        direction = "ahead of" if ahead > 0 else "behind"
        return Unauthorized(
            f"The region refused the API key (401): this host's clock is {abs(ahead):.0f} s {direction} the region's.",
            "Set this host's clock (NTP): MAAS refuses requests that are more than 300 s off.",
            endpoint=endpoint,
            status=401,
        )
    return Unauthorized("The region refused the API key (401).", endpoint=endpoint, status=401)


def error_from_answer(
    status: int,
    headers: Mapping[str, str],
    body: str,
    *,
    endpoint: str,
    subject: str = "",
    is_write: bool = False,
    now: datetime | None = None,
) -> MaasError:
    """The error that an answer without success stands for.

    Args:
        status: HTTP status, not 2xx.
        headers: of the answer, looked up without regard to case.
        body: decoded, possibly cut; ignored for 401.
        endpoint: the call in MAAS's words, "Machine.commission".
        subject: what the call was about ("machine br3aen"), if it was about one thing.
        is_write: the call was sent to change something.
        now: the moment of the answer; the present when not given.
    """
    now = now or datetime.now(UTC)
    if status == 401:
        return unauthorized(headers, now, endpoint=endpoint)
    content_type = headers.get("Content-Type", "")
    of = f" for {subject}" if subject else ""
    if status == 400:
        return _bad_request(body, content_type, endpoint=endpoint, of=of)
    text = plain_text(body, content_type)
    retry_after = retry_after_seconds(headers, now)
    if status == 403:
        problem = f"The region refused {endpoint}{of}: " + (text or "it gave no reason.")
        remedy = "" if text else _FORBIDDEN_REMEDIES.get(endpoint.partition(".")[2], "")
        if any(word in text for word in _FOR_ADMINS):
            remedy = "This takes the API key of a MAAS administrator: give the bot one in MAAS_API_KEY."
        return Forbidden(problem, remedy, endpoint=endpoint, status=status)
    if status == 404:
        if "Unknown API endpoint" in text:
            return UnexpectedAnswer(f"The region does not know {endpoint}: {text}", endpoint=endpoint, status=status)
        return NotFound(f"The region has no {subject or 'such thing'} ({endpoint}).", endpoint=endpoint, status=status)
    if status == 409:
        return Conflict(text or f"{endpoint} is not possible{of} now.", endpoint=endpoint, status=status)
    if status in {429, 503}:
        problem = text or f"The region is too busy for {endpoint} now."
        return RegionBusy(problem, endpoint=endpoint, status=status, retry_after=retry_after)
    if status == 502:
        problem = "The proxy in front of the region got no answer from it (502)."
        return RegionUnreachable(problem, endpoint=endpoint, status=status, outcome_unknown=is_write)
    if status == 504:
        problem = f"The region gave up waiting{of} in {endpoint} (504)" + (f": {text}" if text else ".")
        waits_for_bmc = is_write or "power" in endpoint.lower()
        remedy = "" if waits_for_bmc else "Try again in a minute; if it stays so, look at the region's load."
        return GatewayTimeout(problem, remedy, endpoint=endpoint, status=status, outcome_unknown=is_write)
    if status >= 500:
        problem = f"The region failed in {endpoint}{of} ({status})" + (f": {text}" if text else ".")
        return ServerFault(problem, endpoint=endpoint, status=status)
    if 300 <= status < 400:
        return _redirected(headers, status, endpoint=endpoint)
    problem = f"The region answered {endpoint} with {status}" + (f": {text}" if text else ".")
    return UnexpectedAnswer(problem, endpoint=endpoint, status=status)


def _bad_request(body: str, content_type: str, *, endpoint: str, of: str) -> BadRequest:
    fields = _form_errors(body)
    if fields:
        parts = [
            ("" if name == "__all__" else f"{name}: ") + " ".join(clean(text) for text in texts)
            for name, texts in fields.items()
        ]
        return BadRequest(" ".join(parts), endpoint=endpoint, fields=fields)
    text = plain_text(body, content_type)
    return BadRequest(text or f"The region refused the values of {endpoint}{of}.", endpoint=endpoint)


def _form_errors(body: str) -> dict[str, list[str]]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {
        clean(str(name), 80): [clean(str(text), _FIELD) for text in (texts if isinstance(texts, list) else [texts])]
        for name, texts in document.items()
    }


def _redirected(headers: Mapping[str, str], status: int, *, endpoint: str) -> UnexpectedAnswer:
    # Queries and user parts of the target are left out: they may repeat what was sent.
    target = clean(headers.get("Location", "").partition("?")[0].rpartition("@")[2], 120)
    problem = f"The region redirects {endpoint} ({status})" + (f" to {target}." if target else ".")
    remedy = "Set MAAS_URL to the address that the region redirects to." if target.startswith("http") else ""
    return UnexpectedAnswer(problem, remedy, endpoint=endpoint, status=status)
