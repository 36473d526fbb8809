"""The region's description of its own API (describe/): python-libmaas makes handlers, actions and URIs of it.

It is 500 to 700 kB and takes a region seconds to write, so it is kept on disk under the hash that every
answer of the region names in X-Maas-Api-Hash, without its documentation texts.

Only python-libmaas's `bones` and `utils` are used: its object layer imports distutils, which Python 3.12
removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from maas.client.bones import SessionAPI
from maas.client.utils import api_url
from pydantic import SecretStr

from bot.maas.errors import UnexpectedAnswer
from bot.maas.files import read_json, write_json

_HASH = re.compile(r"[0-9a-f]{8,64}")
API_ROOT = "/api/2.0/"


def normalise_url(url: str) -> str:
    """The root of the API for whatever people write: with or without a slash or `/api/2.0` at the end.

    Raises:
        ValueError: it is no http(s) URL, or it carries a user name or password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must look like http://HOST:5240/MAAS")
    if parts.username or parts.password:
        raise ValueError("it must not contain a user name or a password")
    path = re.sub(r"/{2,}", "/", parts.path) or "/"
    rebuilt = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    root: str = api_url(rebuilt)
    return root


def parse_api_key(api_key: SecretStr) -> tuple[str, str, str]:
    """Consumer key, token key and token secret.

    Raises:
        ValueError: it does not have three parts. The text says nothing of the key.
    """
    parts = api_key.get_secret_value().strip().split(":")
    if len(parts) != 3 or not all(parts):
        raise ValueError("it must be three parts joined by colons, as MAAS shows it in the user's preferences")
    return parts[0], parts[1], parts[2]


def session_api(description: Mapping[str, Any], root: str, credentials: tuple[str, str, str]) -> SessionAPI:
    """python-libmaas's view of `description`, with every URI moved under `root`.

    A region writes its own idea of its host into the URIs, which behind a proxy or a port forward is not the
    address that the bot reaches it at.

    Raises:
        UnexpectedAnswer: it is no description of the 2.0 API.
    """
    try:
        resources = [_rebased(resource, root) for resource in description["resources"]]
        api = SessionAPI({**description, "resources": resources}, credentials)
    except (KeyError, TypeError, AttributeError, ValueError):
        raise UnexpectedAnswer("The region's description of its API can't be read.", endpoint="describe") from None
    api.scheme = urlsplit(root).scheme
    return api


def _rebased(resource: Mapping[str, Any], root: str) -> dict[str, Any]:
    return {
        **resource,
        **{
            kind: {**resource[kind], "uri": _moved(resource[kind]["uri"], root)}
            for kind in ("anon", "auth")
            if resource[kind]
        },
    }


def _moved(uri: str, root: str) -> str:
    _, found, rest = uri.partition(API_ROOT)
    if not found:
        raise ValueError("not a URI of the 2.0 API")
    # The result goes through str.format() with the call's parameters: braces of the root must survive that.
    return root.replace("{", "{{").replace("}", "}}") + rest


def without_texts(description: Mapping[str, Any]) -> dict[str, Any]:
    """`description` without documentation: a fifth of the size, and nothing here reads it.

    Raises:
        UnexpectedAnswer: it is no description of an API.
    """
    try:
        resources = [
            {
                "name": resource["name"],
                **{kind: _slim(resource[kind]) if resource[kind] else None for kind in ("anon", "auth")},
            }
            for resource in description["resources"]
        ]
    except (KeyError, TypeError):
        raise UnexpectedAnswer("The region's description of its API can't be read.", endpoint="describe") from None
    return {"doc": "", "hash": str(description.get("hash", "")), "resources": resources}


def _slim(handler: Mapping[str, Any]) -> dict[str, Any]:
    actions = [
        {"doc": "", **{key: action[key] for key in ("name", "op", "method", "restful")}}
        for action in handler["actions"]
    ]
    return {"doc": "", **{key: handler[key] for key in ("name", "uri", "path", "params")}, "actions": actions}


class DescriptionCache:
    """Descriptions on disk, one file a hash. Without a directory it keeps nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    async def get(self, api_hash: str) -> dict[str, Any] | None:
        """The description with that hash; None when it is not there or can't be read."""
        path = self._path(api_hash)
        document = await read_json(path) if path else None
        return document if isinstance(document, dict) and document.get("resources") else None

    async def put(self, api_hash: str, description: Mapping[str, Any]) -> None:
        """Keep it. A disk that refuses costs the next start a download and nothing else."""
        path = self._path(api_hash)
        if path:
            await write_json(path, json.dumps(description).encode())

    def _path(self, api_hash: str) -> Path | None:
        # The hash comes from the network and becomes a file name.
        if self._directory is None or not _HASH.fullmatch(api_hash):
            return None
        return self._directory / f"describe-{api_hash}.json"
