"""Carries payloads to the app and acknowledgements back: Socket Mode, or signed POSTs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from sandbox.slack.application import AppConfig
from sandbox.slack.faults import Faults
from sandbox.slack.ids import Ids
from sandbox.slack.model import Payload
from sandbox.slack.outcomes import Ack, Timing

Kind = Literal["slash_commands", "interactive", "events_api"]

#: Slack gives one app at most this many sockets.
MAX_SOCKETS = 10


class Socket(Protocol):
    """One WebSocket of the app, as the hub uses it."""

    async def send(self, message: Payload) -> None: ...

    async def close(self, *, abrupt: bool = False) -> None: ...


class SocketHub:
    """The app's open sockets. Each payload goes to any one of them."""

    def __init__(self, app: AppConfig, ids: Ids, timing: Timing, faults: Faults) -> None:
        self._app = app
        self._ids = ids
        self._timing = timing
        self._faults = faults
        self.sockets: list[Socket] = []
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Payload | None]] = {}
        self.connected = asyncio.Event()

    def issue_ticket(self) -> str:
        ticket = self._ids.hexadecimal(32)
        self._tickets.add(ticket)
        return ticket

    def admits(self, ticket: str) -> bool:
        return ticket in self._tickets

    async def join(self, socket: Socket) -> bool:
        """Greet a new socket. False when the app has all its sockets already."""
        if len(self.sockets) >= MAX_SOCKETS:
            await socket.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": self._debug()})
            return False
        self.sockets.append(socket)
        hello = {
            "type": "hello",
            "num_connections": len(self.sockets),
            "debug_info": {**self._debug(), "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._app.app_id},
        }
        await socket.send(hello)
        self.connected.set()
        return True

    def leave(self, socket: Socket) -> None:
        if socket in self.sockets:
            self.sockets.remove(socket)
        if not self.sockets:
            self.connected.clear()

    def receive(self, message: Payload) -> None:
        """Take an acknowledgement."""
        waiting = self._waiting.get(str(message.get("envelope_id", "")))
        if waiting is None or waiting.done():
            return
        if self._faults.use("lost-ack") is not None:
            return
        payload = message.get("payload")
        waiting.set_result(payload if isinstance(payload, dict) and payload else None)

    async def deliver(self, kind: Kind, payload: Payload, retry: int = 0, reason: str = "") -> Ack:
        envelope: Payload = {
            "envelope_id": self._ids.uuid(),
            "payload": payload,
            "type": kind,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            envelope["retry_attempt"] = retry
            envelope["retry_reason"] = reason
        waiting: asyncio.Future[Payload | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        started = time.monotonic()
        try:
            if not await self._send(envelope):
                return Ack("dispatch_failed", None, 0.0, 0)
            answer = await asyncio.wait_for(waiting, self._timing.ack)
            return Ack(None, answer, time.monotonic() - started)
        except TimeoutError:
            return Ack("operation_timeout", None, time.monotonic() - started, 0)
        finally:
            del self._waiting[envelope["envelope_id"]]

    async def disconnect(self, mode: str) -> None:
        """Close every socket: `refresh` announces it first, as Slack often does; `abrupt` does not."""
        leaving = list(self.sockets)
        if mode == "refresh":
            for socket in leaving:
                with suppress(ConnectionError):
                    await socket.send(
                        {"type": "disconnect", "reason": "refresh_requested", "debug_info": self._debug()}
                    )
            await asyncio.sleep(self._timing.refresh_grace)
        for socket in leaving:
            self.leave(socket)
            await socket.close(abrupt=mode != "refresh")

    async def _send(self, envelope: Payload) -> bool:
        """Give it to any one socket. False when none takes it."""
        while self.sockets:
            socket = self._ids.random.choice(self.sockets)
            try:
                await socket.send(envelope)
            except ConnectionError:
                self.leave(socket)
            else:
                return True
        return False

    def _debug(self) -> dict[str, Any]:
        return {"host": "applink-stand-in"}


class HttpPost:
    """Signed POSTs to the app's request URL."""

    def __init__(self, app: AppConfig, timing: Timing, faults: Faults, clock: Callable[[], float]) -> None:
        self._app = app
        self._timing = timing
        self._faults = faults
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, kind: Kind, payload: Payload, retry: int = 0, reason: str = "") -> Ack:
        headers = {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Accept": "application/json,*/*",
        }
        if kind == "events_api":
            body = json.dumps(payload)
            headers["Content-Type"] = "application/json"
            if retry:
                headers["X-Slack-Retry-Num"] = str(retry)
                headers["X-Slack-Retry-Reason"] = reason
        else:
            form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return await self._post(body, headers)

    async def verify_url(self) -> bool:
        """Send `url_verification` and see whether the challenge comes back."""
        challenge = "stand-in-challenge-0123456789"
        body = {"token": self._app.verification_token, "challenge": challenge, "type": "url_verification"}
        ack = await self._post(json.dumps(body), {"Content-Type": "application/json"})
        answer = ack.payload or {}
        return ack.ok and challenge in {answer.get("challenge"), str(answer.get("text", "")).strip()}

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, body: str, headers: dict[str, str]) -> Ack:
        timestamp = str(int(self._clock()))
        secret = self._app.signing_secret
        if self._faults.on("bad-signature") is not None:
            secret = secret[::-1] + "-not"
        signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
        headers = {**headers, "X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature or ""}
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        started = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=self._timing.ack)
            async with self._session.post(
                self._app.request_url, data=body.encode(), headers=headers, timeout=timeout
            ) as answer:
                text = await answer.text()
                seconds = time.monotonic() - started
                if answer.status // 100 != 2:
                    return Ack("http_error", None, seconds, answer.status)
                if self._faults.use("lost-ack") is not None:
                    return Ack("operation_timeout", None, seconds, 0)
                return Ack(None, _body(text, answer.content_type), seconds, answer.status)
        except TimeoutError:
            return Ack("operation_timeout", None, time.monotonic() - started, 0)
        except (aiohttp.ClientError, ValueError):
            return Ack("dispatch_failed", None, time.monotonic() - started, 0)


class Courier:
    """Delivers by the way that the app is set up for; events are tried again, commands and clicks are not."""

    def __init__(self, app: AppConfig, ids: Ids, timing: Timing, faults: Faults, clock: Callable[[], float]) -> None:
        self._app = app
        self._timing = timing
        self._faults = faults
        self.hub = SocketHub(app, ids, timing, faults)
        self.http = HttpPost(app, timing, faults, clock)
        self._tasks: set[asyncio.Task[None]] = set()

    async def deliver(self, kind: Kind, payload: Payload, retry: int = 0, reason: str = "") -> Ack:
        if self._app.delivery == "http":
            return await self.http.deliver(kind, payload, retry, reason)
        return await self.hub.deliver(kind, payload, retry, reason)

    def send_event(self, payload: Payload) -> None:
        """Deliver an event in the background, with Slack's retries."""
        self.background(self._send_event(payload))
        if self._faults.on("redeliver") is not None:
            self.background(self._send_event(payload, attempt=1, reason="http_timeout"))

    def background(self, work: Any) -> None:
        """Run a coroutine that `settle` waits for and `close` cancels."""
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until no delivery is under way."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.http.close()

    async def _send_event(self, payload: Payload, attempt: int = 0, reason: str = "") -> None:
        for wait in (*self._timing.event_retries, None):
            ack = await self.deliver("events_api", payload, attempt, reason)
            if ack.ok or wait is None:
                return
            await asyncio.sleep(wait)
            attempt += 1
            reason = "http_timeout" if ack.error == "operation_timeout" else "http_error"


def _body(text: str, content_type: str) -> Payload | None:
    if not text.strip():
        return None
    if content_type == "application/json" or text.startswith("{"):
        parsed = json.loads(text)
        return parsed if isinstance(parsed, dict) and parsed else None
    return {"text": text}
