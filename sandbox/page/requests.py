"""What the page's script sends, checked before it reaches the workspace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from sandbox.slack.errors import NothingThereError
from sandbox.slack.model import Container, HomeRef, MessageRef, ViewRef

Body = Mapping[str, Any]


class BadRequestError(web.HTTPBadRequest):
    """A refusal that the page shows to the person as it is."""

    def __init__(self, text: str) -> None:
        super().__init__(text=json.dumps({"error": text}), content_type="application/json")


@dataclass(frozen=True, slots=True)
class Said:
    """One request: who acts, and the rest of it."""

    viewer: str
    body: Body


async def json_body(request: web.Request) -> Body:
    """The request's JSON object.

    Only `application/json` is read: another site's form can't send that without asking the browser first.

    Raises:
        BadRequestError: it is something else.
    """
    if request.content_type != "application/json":
        raise BadRequestError("Only JSON is understood here.")
    try:
        body = await request.json()
    except ValueError as wrong:
        raise BadRequestError("That is not JSON.") from wrong
    if not isinstance(body, dict):
        raise BadRequestError("A JSON object is expected.")
    return body


def text_of(body: Body, name: str) -> str:
    """A string of the request.

    Raises:
        BadRequestError: it is missing or no string.
    """
    value = body.get(name)
    if not isinstance(value, str):
        raise BadRequestError(f"{name} is missing.")
    return value


def values_of(body: Body) -> Mapping[str, Mapping[str, Any]]:
    """Inputs as `{block id: {action id: value}}`; what has another shape is left out."""
    values = body.get("values")
    if not isinstance(values, dict):
        return {}
    return {str(block): actions for block, actions in values.items() if isinstance(actions, dict)}


def container(body: Body) -> Container:
    """Where an element is.

    Raises:
        BadRequestError: the request doesn't say.
    """
    where = body.get("container")
    if isinstance(where, dict):
        match where.get("kind"):
            case "message":
                return MessageRef(text_of(where, "channel"), text_of(where, "ts"))
            case "view":
                return ViewRef(text_of(where, "view"))
            case "home":
                return HomeRef()
    raise BadRequestError("The request doesn't say where the element is.")


@contextmanager
def refusals() -> Iterator[None]:
    """What the workspace refuses becomes an answer that the page can show.

    Raises:
        BadRequestError: the person can't see or touch that, or it is gone.
    """
    try:
        yield
    except NothingThereError as gone:
        raise BadRequestError(f"That is not possible: {gone}.") from gone
    except KeyError as unknown:
        raise BadRequestError(f"There is no {unknown} here.") from unknown
