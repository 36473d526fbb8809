"""One API call as the handlers see it: path, op, query, form and files, whatever way the body was encoded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from sandbox.maas.users import User


class NoParts(Exception):  # noqa: N818 - names what happened
    """A multipart body without parts: the server drops the connection without an answer."""


class Form(Mapping[str, str]):
    """Repeated fields in the order given; indexing gives the last value, as Django's QueryDict does."""

    def __init__(self, pairs: list[tuple[str, str]] | None = None) -> None:
        self.pairs = pairs or []

    def __getitem__(self, name: str) -> str:
        for key, value in reversed(self.pairs):
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.pairs if key == name]

    def text(self, name: str, default: str = "") -> str:
        return self.get(name, default)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean as MAAS's forms read it: absent is `default`, "0", "false" and "" are false."""
        if name not in self:
            return default
        return self[name].strip().lower() not in ("", "0", "false", "no", "off")


@dataclass
class ApiRequest:
    """One call; `path` starts after /MAAS/api/2.0/ and has no leading slash."""

    method: str
    path: str
    query: Form
    form: Form
    files: dict[str, bytes]
    body: bytes
    op: str | None
    query_string: str
    user: User | None = None
    parts: dict[str, str] = field(default_factory=dict)

    @property
    def caller(self) -> User:
        assert self.user is not None
        return self.user

    @property
    def is_admin(self) -> bool:
        return self.user is not None and self.user.is_superuser


def parse_body(content_type: str, body: bytes) -> tuple[Form, dict[str, bytes]]:
    """Form fields and files of a body.

    Raises:
        NoParts: multipart without a single part.
    """
    kind = content_type.split(";", maxsplit=1)[0].strip().lower()
    if kind == "multipart/form-data":
        return _parse_multipart(content_type, body)
    if kind == "application/json" and body.strip():
        return Form(list(_json_pairs(json.loads(body)))), {}
    if kind in ("application/x-www-form-urlencoded", "application/json"):
        return Form(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), {}
    return Form(), {}


def _json_pairs(value: object) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        for one in item if isinstance(item, list) else [item]:
            yield str(key), one if isinstance(one, str) else json.dumps(one)


def _parse_multipart(content_type: str, body: bytes) -> tuple[Form, dict[str, bytes]]:
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    pairs: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if not isinstance(name, str):
            continue
        payload = part.get_payload(decode=True)
        data = payload if isinstance(payload, bytes) else b""
        if part.get_filename() is not None:
            files[name] = data
        else:
            pairs.append((name, data.decode("utf-8", "replace")))
    if not pairs and not files:
        raise NoParts
    return Form(pairs), files
