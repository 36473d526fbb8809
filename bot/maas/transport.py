"""The calls to one region: python-libmaas's URIs, payloads and signatures over our own connections.

python-libmaas opens a connection a call, knows no time-outs, and sends an empty multipart body with every
POST that has no arguments, on which MAAS 2.9 drops the connection (python-libmaas issues 252 and 255).
"""

from __future__ import annotations

import asyncio
import json
import ssl as ssl_module
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from maas.client.bones import ActionAPI, HandlerAPI, SessionAPI
from maas.client.utils import sign
from pydantic import SecretStr

from bot.maas.answers import error_from_answer
from bot.maas.description import API_ROOT, DescriptionCache, normalise_url, parse_api_key, session_api, without_texts
from bot.maas.errors import MaasError, NoKeyYet, NotFound, UnexpectedAnswer
from bot.maas.exchange import Answer, Connections, Kind, Limits, Request, Timeouts
from bot.maas.multipart import multipart_form
from bot.maas.retries import Retries

Value = str | int | float | bool | Sequence[str]
#: Called after every exchange with method, endpoint ("Machine.commission"), status (0: no answer) and
#: seconds.
OnCall = Callable[[str, str, int, float], None]

#: A description is not fetched again within this time (seconds): the workers of a region that is being
#: upgraded may name different hashes for a while.
DESCRIPTION_REST = 60.0
_HASH_HEADER = "X-Maas-Api-Hash"
#: Parts of a key that are shorter are no secrets of MAAS's, and may be parts of ordinary words.
_SHORTEST_SECRET = 8
_BODY_HEADERS = {"content-type", "content-length", "mime-version"}


class Transport:
    """The way to one region. Every failure is a `MaasError`; nothing secret leaves it."""

    def __init__(
        self,
        url: str,
        api_key: SecretStr | None,
        *,
        cache_dir: Path | None = None,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        retries: Retries | None = None,
        on_call: OnCall | None = None,
        ssl: ssl_module.SSLContext | bool = True,
    ) -> None:
        """Connects at the first call.

        Args:
            url: of the region, as people write it: `http://HOST:5240/MAAS`.
            api_key: three parts joined by colons; None while there is none: MAAS is not installed yet.
            cache_dir: where descriptions of the API are kept; None keeps them in memory.
            timeouts: per kind of call.
            limits: per kind of call.
            retries: of reads.
            on_call: told about every exchange, for metrics.
            ssl: False trusts any certificate; a context says which to trust.

        Raises:
            ValueError: the URL or the key has not the form that it must have; the text never holds the key.
        """
        self.url = normalise_url(url)
        self._credentials = parse_api_key(api_key) if api_key is not None else None
        self._connections = Connections(timeouts or Timeouts(), limits or Limits(), ssl=ssl)
        self._retries = retries or Retries()
        self._on_call = on_call
        self._cache = DescriptionCache(cache_dir)
        self._api: SessionAPI | None = None
        self._api_hash = ""
        self._seen_hash = ""
        self._described_at = 0.0
        self._describing = asyncio.Lock()
        self._log = structlog.get_logger(__name__).bind(region_url=self.url)

    def __repr__(self) -> str:
        return f"Transport({self.url!r})"

    def use_key(self, api_key: SecretStr) -> None:
        """Use another key from now on. Raises ValueError as the constructor does."""
        self._credentials = parse_api_key(api_key)
        self._api = None

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def call(
        self,
        handler: str,
        action: str,
        *,
        params: Mapping[str, str | int] | None = None,
        data: Mapping[str, Value] | None = None,
        files: Mapping[str, bytes] | None = None,
        kind: Kind | None = None,
        subject: str = "",
        retry: bool = True,
    ) -> Answer:
        """Call `action` of `handler`, named as the region's description names them ("Machine", "commission").

        Args:
            handler: a handler of the API, without "Handler".
            action: one of its actions.
            params: what goes into the path.
            data: the query of a GET, the form of anything else; sequences repeat the field.
            files: what goes into the form as files.
            kind: time-out and limit; by default READ for GET, WRITE for the rest.
            subject: what the call is about, for messages ("machine br3aen").
            retry: False asks once.

        Raises:
            MaasError: any other answer than success; see its classes.
        """
        endpoint = f"{handler}.{action}"
        self._refuse_empty(params or {}, subject, endpoint)
        described = _find_action(await self._description(), handler, action)
        kind = kind or (Kind.READ if described.method == "GET" else Kind.WRITE)
        if described.method != "GET":
            kind = Kind.WRITE
        answer = await self._attempts(
            lambda: _signed_request(described, params or {}, data or {}, files or {}),
            kind,
            endpoint=endpoint,
            subject=subject,
            retry=retry,
        )
        self._note_hash(answer)
        return answer

    async def put(self, path: str, body: bytes, *, endpoint: str, subject: str = "") -> Answer:
        """Send `body` as it is to a path that the region named itself: the parts of an upload go there.

        Raises:
            UnexpectedAnswer: the path does not belong to the 2.0 API.
            MaasError: any other answer than success.
        """
        _, found, rest = path.partition(API_ROOT)
        if not found or ".." in rest:
            raise UnexpectedAnswer(f"The region named a strange place for {endpoint}.", endpoint=endpoint)

        if self._credentials is None:
            raise NoKeyYet("The bot has no API key for this region yet.", endpoint=endpoint)
        credentials = self._credentials

        def prepare() -> Request:
            headers = {"Accept": "application/json", "Content-Type": "application/octet-stream"}
            sign(self.url + rest, headers, credentials)
            return Request("PUT", self.url + rest, headers, body)

        return await self._attempts(prepare, Kind.WRITE, endpoint=endpoint, subject=subject, retry=False)

    async def _attempts(
        self,
        prepare: Callable[[], Request],
        kind: Kind,
        *,
        endpoint: str,
        subject: str = "",
        retry: bool = True,
    ) -> Answer:
        started = time.monotonic()
        attempt = 0
        while True:
            attempt += 1
            try:
                # Prepared anew each time: MAAS takes a nonce once.
                return await self._exchange(prepare(), kind, endpoint, subject)
            except MaasError as error:
                wait = self._retries.wait(attempt, time.monotonic() - started, error, kind) if retry else None
                if wait is None:
                    raise
                self._log.info(
                    "maas_call_repeats",
                    endpoint=endpoint,
                    attempt=attempt,
                    wait=round(wait, 3),
                    reason=str(error),
                )
            await asyncio.sleep(wait)

    async def _exchange(self, request: Request, kind: Kind, endpoint: str, subject: str) -> Answer:
        started = time.monotonic()
        status = 0
        try:
            answer = await self._connections.exchange(request, kind, endpoint=endpoint)
            status = answer.status
        finally:
            seconds = time.monotonic() - started
            self._log.debug("maas_call", endpoint=endpoint, status=status, seconds=round(seconds, 3))
            if self._on_call is not None:
                self._on_call(request.method, endpoint, status, seconds)
        is_write = request.method != "GET"
        if not 200 <= status < 300:
            text = self._redacted(answer.body.decode("utf-8", "replace"))
            raise error_from_answer(status, answer.headers, text, endpoint=endpoint, subject=subject, is_write=is_write)
        if "html" in answer.content_type:
            raise UnexpectedAnswer(
                f"A web page came back for {endpoint} instead of MAAS's API.",
                endpoint=endpoint,
                status=status,
                outcome_unknown=is_write,
            )
        return answer

    async def _description(self) -> SessionAPI:
        if self._credentials is None:
            raise NoKeyYet("MAAS was not installed by the bot there yet, so it has no API key: /maas install.")
        if self._api is not None and not self._is_outdated():
            return self._api
        async with self._describing:
            if self._api is not None and not self._is_outdated():
                return self._api
            api_hash = self._seen_hash or await self._ask_hash()
            description = await self._cache.get(api_hash)
            if description is None:
                description = await self._fetch_description()
                api_hash = api_hash or description["hash"]
                await self._cache.put(api_hash, description)
            self._api = session_api(description, self.url, self._credentials)
            self._api_hash = self._seen_hash = api_hash
            self._described_at = time.monotonic()
            return self._api

    def _is_outdated(self) -> bool:
        rested = time.monotonic() - self._described_at > DESCRIPTION_REST
        return self._seen_hash != self._api_hash and rested

    def _note_hash(self, answer: Answer) -> None:
        self._seen_hash = answer.headers.get(_HASH_HEADER, "") or self._seen_hash

    async def _ask_hash(self) -> str:
        answer = await self._plain_read("version/", "Version.read")
        return answer.headers.get(_HASH_HEADER, "")

    async def _fetch_description(self) -> dict[str, Any]:
        answer = await self._plain_read("describe/", "describe", kind=Kind.LIST)
        try:
            document = json.loads(answer.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise UnexpectedAnswer("The region's description of its API can't be read.", endpoint="describe")
        return without_texts(document)

    async def _plain_read(self, path: str, endpoint: str, kind: Kind = Kind.READ) -> Answer:
        # version/ and describe/ need no signature.
        request = Request("GET", self.url + path, {"Accept": "application/json"})
        return await self._attempts(lambda: request, kind, endpoint=endpoint)

    def _redacted(self, text: str) -> str:
        for secret in self._credentials or ():
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, "[redacted]")
        return text

    @staticmethod
    def _refuse_empty(params: Mapping[str, str | int], subject: str, endpoint: str) -> None:
        # An empty part would turn the path of one thing into the path of its list, and ".." into another's.
        if any(str(value) in {"", ".", ".."} for value in params.values()):
            raise NotFound(f"The region has no {subject or 'such thing'} ({endpoint}).", endpoint=endpoint)


def _find_action(api: SessionAPI, handler: str, action: str) -> ActionAPI:
    described_handler = vars(api).get(handler)
    described = vars(described_handler).get(action) if isinstance(described_handler, HandlerAPI) else None
    if not isinstance(described, ActionAPI):
        raise UnexpectedAnswer(
            f"This region's API has no {handler}.{action}.",
            "The call needs another version of MAAS than this region runs.",
            endpoint=f"{handler}.{action}",
        )
    return described


def _signed_request(
    action: ActionAPI, params: Mapping[str, str | int], data: Mapping[str, Value], files: Mapping[str, bytes]
) -> Request:
    bound = action.bind(**{name: quote(str(value), safe="") for name, value in params.items()})
    uri, body, headers = bound.prepare({name: _form_value(value) for name, value in data.items()})
    if files:
        headers = {name: value for name, value in headers.items() if name.lower() not in _BODY_HEADERS}
        headers["Content-Type"], body = multipart_form(_pairs(data), files)
    elif not data:
        # See the module's docstring: python-libmaas's empty multipart body loses the connection.
        body = None
        headers = {name: value for name, value in headers.items() if name.lower() not in _BODY_HEADERS}
    return Request(action.method, uri, {**headers, "Accept": "application/json"}, body)


def _pairs(data: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        form = _form_value(value)
        yield from ((name, one) for one in ([form] if isinstance(form, str) else form))


def _form_value(value: Value) -> str | list[str]:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return [str(one) for one in value]
