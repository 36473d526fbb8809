"""What can go wrong between the bot and a region, typed by what a person can do about it.

Every error carries `problem` (one plain sentence, with the region's own words where they help) and `remedy`
(what to do next). Both are safe to show: cut, without control characters, and without anything secret.
"""

# The names are the vocabulary of the product's messages; an "Error" after each of them would only lengthen
# it.
# ruff: noqa: N818

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_SPACE = re.compile(r"\s+")
#: Longest text of a region that is repeated to a person, in characters.
MAX_TEXT = 400


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """One line of `text`: no control characters, runs of blanks as one blank, at most `limit` characters."""
    line = _SPACE.sub(" ", _CONTROL.sub("", text)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def ended(text: str) -> str:
    """`text` as a sentence: the region's own words often lack the full stop, and a remedy follows them."""
    return f"{text}." if text and text[-1] not in ".…?!:;," else text


class MaasError(Exception):
    """A call to a region did not bring what was asked for.

    Attributes:
        problem: what happened, in one sentence.
        remedy: what a person can do about it.
        endpoint: which call it was, in MAAS's words ("Machine.commission").
        status: the HTTP status of the answer, None when there was none.
        outcome_unknown: True when a change was sent and nobody can tell whether the region carried it out.
        retry_after: seconds the region asked to wait, if it said so.
    """

    #: Who did not do as asked, where a message begins with it.
    source = "MAAS"
    #: What `remedy` says when the raiser has nothing better.
    default_remedy = "Try again; if it keeps failing, look into the region's regiond.log."

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        endpoint: str = "",
        status: int | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        problem = ended(clean(problem, 2 * MAX_TEXT))
        remedy = clean(remedy, 2 * MAX_TEXT) or self.default_remedy
        # Only positional arguments: copy and pickle call the class with `args` and then restore the
        # attributes.
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy
        self.endpoint = endpoint
        self.status = status
        self.outcome_unknown = outcome_unknown
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.problem

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.problem!r}, endpoint={self.endpoint!r}, status={self.status!r})"


class RegionUnreachable(MaasError):
    """No answer: connection refused, no such host, reset, dropped, or a proxy that found nobody behind it."""

    default_remedy = "Check that the region runs and that MAAS_URL names its address and port."


class RegionTimeout(RegionUnreachable):
    """The region took longer than this kind of call may take."""

    default_remedy = "Try again in a minute; if it stays slow, check the load of the region and of its database."


class Unauthorized(MaasError):
    """The region does not accept the API key (401). Carries nothing of the answer: it can hold the secret."""

    default_remedy = (
        "Check MAAS_API_KEY: the key may have been revoked (make a new one in MAAS, user's preferences). "
        "Check this host's clock too: MAAS refuses requests that are more than 300 s off."
    )


class NoKeyYet(MaasError):
    """The bot knows the region's host, and MAAS was never installed there by it: there is no key to sign with."""

    default_remedy = "/maas install puts MAAS on its host and makes a key; or set MAAS_API_KEY."


class Forbidden(MaasError):
    """The region knows the key and refuses this call to it (403)."""

    default_remedy = (
        "MAAS answers so when the machine is locked, when another user owns it, "
        "or when the key's user is no administrator."
    )


class NotFound(MaasError):
    """No such thing, or none that the key's user may see (404)."""

    default_remedy = (
        "Check the name; a machine that another user owns is invisible to a key without administrator rights."
    )


class BadRequest(MaasError):
    """The region refused the values (400).

    Attributes:
        fields: messages by field; `__all__` for the whole form; empty when the region answered with plain
            text.
    """

    default_remedy = "Correct what the region names, then ask again."

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        endpoint: str = "",
        status: int | None = 400,
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(problem, remedy, endpoint=endpoint, status=status)
        self.fields: dict[str, list[str]] = {name: list(texts) for name, texts in (fields or {}).items()}


class Conflict(MaasError):
    """The thing is in a state that does not allow this (409)."""

    default_remedy = (
        "Look at the machine's state first; what it does now must end, or be aborted, before this can start."
    )


class RegionBusy(MaasError):
    """The region can't do this at the moment: no rack, another power action, too many requests (503, 429)."""

    default_remedy = "Wait for what runs now to end; if a rack controller is named, check that rackd runs there."


class GatewayTimeout(MaasError):
    """The region waited for something behind it, mostly a BMC, and gave up (504)."""

    default_remedy = "Check that the BMC answers on the network; MAAS gives up after 60 s."


class ServerFault(MaasError):
    """The region failed inside (500)."""

    default_remedy = "See regiond.log on the region for the cause; trying again rarely helps."


class UnexpectedAnswer(MaasError):
    """An answer that MAAS's API does not give: HTML, a redirect, broken JSON. Mostly it is not MAAS."""

    default_remedy = (
        "Check that MAAS_URL names the region itself, e.g. http://HOST:5240/MAAS, and no other site or proxy."
    )
