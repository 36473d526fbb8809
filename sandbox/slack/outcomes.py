"""What comes back when a person acts or the app calls; and the workspace's clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.slack.model import Message, Payload, View


@dataclass(frozen=True, slots=True)
class Ack:
    """What the app answered to one delivery.

    `error` is None when it acknowledged in time; else `operation_timeout` (no answer within three seconds),
    `dispatch_failed` (nobody connected, or the request URL refused) or `http_error` with `status`.
    `payload` is the body of the acknowledgement. `seconds` is how long it took.
    """

    error: str | None = None
    payload: Payload | None = None
    seconds: float = 0.0
    status: int = 200

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class SlashOutcome:
    """What became of a slash command.

    `error` is None, or what Slack tells the person (`operation_timeout`, `dispatch_failed`,
    `invalid_command`, `invalid_response`); then `message` is Slackbot's ephemeral notice. Otherwise
    `message` is what the app said in its acknowledgement, if it said anything.
    """

    error: str | None
    ack: Ack
    message: Message | None
    trigger_id: str
    response_url: str

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class ClickOutcome:
    """What became of a click or a choice. `error` as in `Ack`, or `cancelled`: not confirmed."""

    error: str | None
    ack: Ack
    trigger_id: str = ""
    response_url: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    """What became of a modal after Submit.

    `result` is `closed`, `cleared`, `updated`, `pushed`, `errors` (see `errors`: block_id to text; the
    modal stays open) or `failed` (see `error`; the modal stays open with Slack's own trouble notice).
    """

    result: Literal["closed", "cleared", "updated", "pushed", "errors", "failed"]
    errors: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    view: View | None = None
    ack: Ack = field(default_factory=Ack)

    @property
    def ok(self) -> bool:
        return self.result not in {"errors", "failed"}


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One Web API call. `args` never hold the token; `at` is in seconds since the epoch."""

    method: str
    at: float
    args: Mapping[str, Any]
    status: int
    ok: bool
    error: str | None
    answer: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What goes over the wire. `dropped`: the call took effect, but its connection ends without an answer."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str]
    dropped: bool = False


@dataclass(slots=True)
class Timing:
    """Slack's clocks, in seconds.

    `event_retries` are the waits before an event that nobody acknowledged is sent again. `refresh_grace` is
    how long a socket stays open after Slack announced that it will close.
    """

    ack: float = 3.0
    trigger: float = 3.0
    response_url: float = 30 * 60
    response_url_uses: int = 5
    event_retries: Sequence[float] = (1.0, 60.0, 300.0)
    file_processing: float = 0.5
    refresh_grace: float = 1.0
