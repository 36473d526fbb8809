"""One HTTP exchange with a region: connections, time-outs, limits, and what a lost connection means."""

from __future__ import annotations

import asyncio
import ssl as ssl_module
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum

import aiohttp
from yarl import URL

from bot.maas.errors import MaasError, RegionTimeout, RegionUnreachable, UnexpectedAnswer

#: Longest body that is read: twice the list of 4,000 machines. Of an error's body only the beginning is of
#: use.
MAX_BODY = 256 * 1024 * 1024
MAX_ERROR_BODY = 64 * 1024


class Kind(Enum):
    """How long a call may take, and what it competes with."""

    READ = "read"
    #: Reads whose cost grows with what they return: a region takes minutes for thousands of machines.
    LIST = "list"
    #: Reads that wait for a BMC: MAAS itself gives up after 60 s, a slow BMC was seen to take 40 s.
    POWER = "power"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that each kind of call may take, from request to last byte; `connect` for connecting alone."""

    connect: float = 5.0
    read: float = 20.0
    list: float = 600.0
    power: float = 90.0
    write: float = 90.0

    def total(self, kind: Kind) -> float:
        return float(getattr(self, kind.value))


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls of each kind under way at one time: long lists and slow BMCs leave room for short reads."""

    read: int = 6
    list: int = 4
    power: int = 3
    write: int = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What goes over the wire in one attempt. `headers` hold the signature, hence no repr."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes | None = None

    def __repr__(self) -> str:
        return f"Request({self.method} {self.uri.partition('?')[0]})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. The body may hold power parameters, hence no repr."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")


class Connections:
    """The connections to one region.

    Reads share a pool. Changes travel on connections of their own that are used once: on a pooled one that
    the region closes at that moment nobody could tell whether it had taken the change.
    """

    def __init__(self, timeouts: Timeouts, limits: Limits, *, ssl: ssl_module.SSLContext | bool = True) -> None:
        self._timeouts = timeouts
        self._limits = limits
        self._ssl = ssl
        self._pooled: aiohttp.ClientSession | None = None
        self._single: aiohttp.ClientSession | None = None
        self._slots = {kind: asyncio.Semaphore(getattr(limits, kind.value)) for kind in Kind}
        self._closed = False

    async def exchange(self, request: Request, kind: Kind, *, endpoint: str) -> Answer:
        """Send `request` once and read the answer, whatever its status. The body of a 401 is not read.

        Raises:
            RegionUnreachable: no answer.
            RegionTimeout: no complete answer in time.
            UnexpectedAnswer: no HTTP, or no end of it.
        """
        async with self._slots[kind]:
            session = self._session(kind)
            try:
                return await self._send(session, request, kind, endpoint)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                failure = failure_of(error, request, self._timeouts.total(kind), endpoint=endpoint)
            # Raised outside of the handler: the original may quote headers, and so the signature, in its
            # texts.
            raise failure

    async def close(self) -> None:
        """Close every connection; calls under way fail."""
        self._closed = True
        for session in (self._pooled, self._single):
            if session is not None:
                await session.close()

    def _session(self, kind: Kind) -> aiohttp.ClientSession:
        if self._closed:
            raise RegionUnreachable("The connections to the region are closed: the bot is stopping.")
        if kind is Kind.WRITE:
            if self._single is None:
                connector = aiohttp.TCPConnector(limit=self._limits.write, force_close=True, ssl=self._ssl)
                self._single = _client(connector)
            return self._single
        if self._pooled is None:
            total = self._limits.read + self._limits.list + self._limits.power
            self._pooled = _client(aiohttp.TCPConnector(limit=total, keepalive_timeout=15, ssl=self._ssl))
        return self._pooled

    async def _send(self, session: aiohttp.ClientSession, request: Request, kind: Kind, endpoint: str) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self._timeouts.total(kind), sock_connect=self._timeouts.connect)
        call: AbstractAsyncContextManager[aiohttp.ClientResponse] = session.request(
            request.method,
            URL(request.uri, encoded=True),
            data=request.body,
            headers=request.headers,
            timeout=timeout,
            allow_redirects=False,
            middlewares=(_SendOnce(),),
        )
        async with call as response:
            if response.status == 401:
                response.close()
                return Answer(401, response.headers, b"")
            is_success = 200 <= response.status < 300
            return Answer(response.status, response.headers, await _body(response, is_success, endpoint))


class _SendOnce:
    """Keeps aiohttp from repeating a request by itself when the connection drops.

    It would repeat PUT and DELETE, which may not happen twice, and it would repeat the nonce, which MAAS
    refuses.
    """

    def __init__(self) -> None:
        self._failure: Exception | None = None

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._failure is not None:
            raise self._failure
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            self._failure = error
            raise


def _client(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    # MAAS sets session cookies on API answers too; sent back, they would take the place of the signature.
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def _body(response: aiohttp.ClientResponse, is_success: bool, endpoint: str) -> bytes:
    limit = MAX_BODY if is_success else MAX_ERROR_BODY
    data = bytearray()
    try:
        async with asyncio.timeout(None if is_success else 5.0):
            async for chunk in response.content.iter_any():
                data += chunk
                if len(data) > limit:
                    response.close()
                    break
    except (aiohttp.ClientError, OSError, TimeoutError):
        # The status of a refusal is known: half of its text is better than none.
        if is_success:
            raise
    if is_success and len(data) > limit:
        raise UnexpectedAnswer(f"The answer to {endpoint} is longer than {limit >> 20} MiB.", endpoint=endpoint)
    return bytes(data[:limit])


def failure_of(error: BaseException, request: Request, seconds: float, *, endpoint: str) -> MaasError:
    """What a failed exchange means. Nothing of `error`'s text is kept: it may quote what was sent."""
    address = URL(request.uri, encoded=True).authority
    doubt = request.method != "GET"
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return RegionUnreachable(
            f"The region's certificate at {address} is not trusted, or it does not speak TLS there.",
            "Check MAAS_URL (http or https) and that this host trusts the certificate's issuer.",
            endpoint=endpoint,
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return RegionUnreachable(
            f"The region's host name in {address} can't be resolved.",
            "Check MAAS_URL and this host's DNS.",
            endpoint=endpoint,
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return RegionUnreachable(f"The region at {address} did not accept a connection in time.", endpoint=endpoint)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror if error.os_error.errno else ""
        return RegionUnreachable(
            f"No connection to the region at {address}" + (f": {reason}." if reason else "."),
            endpoint=endpoint,
        )
    if isinstance(error, TimeoutError):
        return RegionTimeout(
            f"The region did not answer {endpoint} within {seconds:g} s.",
            endpoint=endpoint,
            outcome_unknown=doubt,
        )
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL | ValueError):
        return UnexpectedAnswer(
            f"What answered {endpoint} at {address} does not speak HTTP as MAAS does.",
            endpoint=endpoint,
            outcome_unknown=doubt,
        )
    return RegionUnreachable(
        f"The region dropped the connection during {endpoint}.", endpoint=endpoint, outcome_unknown=doubt
    )
