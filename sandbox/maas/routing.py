"""Which handler answers which path, method and op."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from sandbox.maas.answers import HTML, Answer, Refusal, admin_only, refuse
from sandbox.maas.request import ApiRequest

Handler = Callable[[ApiRequest], Awaitable[Answer] | Answer]


@dataclass(frozen=True)
class Route:
    """`pattern` has {names}; a name matches one path segment, {name*} matches slashes too."""

    pattern: str
    method: str
    op: str | None
    handler: Handler
    admin: bool = False
    anonymous: bool = False
    denied: str | None = None
    """Text of the 403 that a plain user gets instead of "reserved for admin users"; "" is the empty body."""


class Api(Protocol):
    def routes(self) -> Iterable[Route]: ...


class Table:
    """All routes; finds the one of a call."""

    def __init__(self, apis: Iterable[Api]) -> None:
        self._by_pattern: dict[str, list[Route]] = {}
        for api in apis:
            for route in api.routes():
                self._by_pattern.setdefault(route.pattern, []).append(route)
        self._compiled = [(_compile(p), p, routes) for p, routes in self._by_pattern.items()]

    @property
    def patterns(self) -> list[str]:
        return list(self._by_pattern)

    def match(self, path: str) -> tuple[str, list[Route], dict[str, str]] | None:
        """Pattern, its routes, and the parts of the path; None if the region has no such path."""
        for compiled, pattern, routes in self._compiled:
            if found := compiled.fullmatch(path):
                return pattern, routes, found.groupdict()
        return None


def choose(routes: list[Route], request: ApiRequest) -> Route:
    """The route for the method and op.

    Raises:
        Refusal: 405 for a method that the path has no use for, 400 for an op that it does not know, 403.
    """
    if request.method not in {r.method for r in routes}:
        raise Refusal(Answer(405, HTML))
    route = next((r for r in routes if (r.method, r.op) == (request.method, request.op)), None)
    if route is None:
        raise refuse(400, f"Unrecognised signature: method={request.method} op={request.op}")
    if route.admin and not request.is_admin:
        raise admin_only() if route.denied is None else refuse(403, route.denied)
    return route


def _compile(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}").replace(r"\*}", "*}")
    text = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+?)", text)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", text))
