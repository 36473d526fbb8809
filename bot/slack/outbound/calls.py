"""One call to Slack: through its gate, timed, counted, its failure typed, repeated where that can help."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.outbound.budget import Clock, Gates
from bot.slack.outbound.errors import (
    RateLimited,
    SlackError,
    SlackFatal,
    SlackUnavailable,
    Transient,
    classify,
)

#: Told of every call: the method, its outcome (`ok`, Slack's code, `connection`), the seconds it took.
OnCall = Callable[[str, str, float], None]
OnFatal = Callable[[SlackFatal], None]
#: Makes the request. True says that an earlier try of the same call may have worked.
Send = Callable[[bool], Awaitable[Any]]

_LONGEST_PAUSE: Final = 30.0
_LONGEST_CLOSED: Final = 600.0


class Calls:
    """Makes calls with a client of its own, which repeats nothing by itself.

    slack_sdk's client repeats after a lost connection, and would post twice; here only what is safe is
    repeated.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        gates: Gates,
        clock: Clock,
        on_call: OnCall | None,
        on_fatal: OnFatal | None,
    ) -> None:
        self.client = AsyncWebClient(
            token=client.token,
            base_url=client.base_url,
            timeout=client.timeout,
            ssl=client.ssl,
            proxy=client.proxy,
            headers=dict(client.headers),
            logger=client.logger,
            retry_handlers=[],
        )
        self.gates = gates
        self.clock = clock
        self._on_call = on_call
        self._on_fatal = on_fatal
        self._is_closed = False

    def session(self) -> aiohttp.ClientSession:
        """The pooled session, opened at first use."""
        if self.client.session is None or self.client.session.closed:
            # Slack closes idle connections; one that was idle for long is not worth a lost answer.
            connector = aiohttp.TCPConnector(limit=20, keepalive_timeout=10)
            timeout = aiohttp.ClientTimeout(total=self.client.timeout, connect=10)
            self.client.session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self.client.session

    async def close(self) -> None:
        """Close the session and the gates; later calls fail."""
        self._is_closed = True
        self.gates.close()
        if self.client.session is not None:
            await self.client.session.close()

    async def call(
        self,
        method: str,
        send: Send,
        *,
        urgent: bool = False,
        channel: str | None = None,
        patience: float = 120.0,
        in_doubt: bool = False,
    ) -> Any:
        """Call until Slack answers yes or no.

        Args:
            method: names the budget, and the method in errors.
            send: makes the request.
            urgent: a person waits for it.
            channel: the channel that is posted to, which has a budget of its own.
            patience: seconds after which a Slack in trouble is given up, and the longest Retry-After worth
                waiting for. Waiting one's turn within the budget does not count.
            in_doubt: an earlier process may have made this call already.

        Raises:
            SlackUnavailable: patience ran out.
            SlackError: Slack refused; the subclass says what kind of refusal it is.
        """
        spent = 0.0
        tries = 0
        while True:
            if self.gates.of(method).delay(urgent=urgent) > patience:
                raise SlackUnavailable(method, "ratelimited")
            if channel is not None:
                await self.gates.of_channel(channel).enter(urgent=urgent)
            await self.gates.of(method).enter(urgent=urgent)
            started = self.clock.now()
            try:
                return await self.once(method, lambda: send(in_doubt))  # noqa: B023
            except RateLimited as limited:
                if limited.seconds > patience:
                    raise SlackUnavailable(method, "ratelimited") from None
            except Transient as trouble:
                in_doubt = in_doubt or trouble.lost
                tries += 1
                wait = pause_after(tries)
                spent += self.clock.now() - started + wait
                if spent > patience:
                    raise SlackUnavailable(method, trouble.code, outcome_unknown=trouble.lost) from None
                await self.clock.sleep(wait)

    async def once(self, method: str, send: Callable[[], Awaitable[Any]]) -> Any:
        """Call once. The budget must have been taken already; a Retry-After holds the gate for everybody.

        Raises:
            RateLimited: not before so many seconds.
            Transient: the same call may work later.
            SlackError: Slack refused.
        """
        if self._is_closed:
            raise SlackUnavailable(method, "closed")
        self.session()
        started = self.clock.now()
        outcome = "ok"
        try:
            return await send()
        except SlackApiError as error:
            failure = classify(method, error)
            outcome = getattr(failure, "code", "ratelimited")
            self._react(method, failure)
            raise failure from None
        except (RateLimited, Transient, SlackError) as failure:
            outcome = getattr(failure, "code", "ratelimited")
            self._react(method, failure)
            raise
        except SlackRequestError:
            # An upload that was refused; the message quotes the answer, and so is not passed on.
            outcome = "upload_refused"
            raise Transient(outcome, lost=False) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            outcome = "connection"
            raise Transient(outcome, lost=False) from None
        except (aiohttp.ClientError, OSError) as error:
            outcome = "timeout" if isinstance(error, TimeoutError) else "connection"
            raise Transient(outcome, lost=True) from None
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            if self._on_call is not None:
                self._on_call(method, outcome, self.clock.now() - started)

    def _react(self, method: str, failure: Exception) -> None:
        if isinstance(failure, RateLimited):
            self.gates.of(method).hold(failure.seconds)
        elif isinstance(failure, SlackFatal) and failure.is_credential and self._on_fatal is not None:
            self._on_fatal(failure)


def pause_after(tries: int) -> float:
    """Seconds before the next try: doubling from half a second, half of it by chance."""
    longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(tries - 1, 10))
    return longest * (0.5 + random.random() / 2)  # noqa: S311


def closed_pause(tries: int) -> float:
    """Seconds before a channel that takes no messages is tried again: somebody may open it."""
    return min(_LONGEST_CLOSED, 5.0 * 2.0 ** min(tries - 1, 10))
