"""How Slack says no, as types. No text in here ever holds a token, a trigger or a response URL.

Fatal and transient codes follow Slack's own method pages; a code that no list names is a plain `SlackError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from slack_sdk.errors import SlackApiError


class SlackError(Exception):
    """Slack refused a call. `code` is Slack's word for it, `method` the method that was called."""

    def __init__(self, method: str, code: str, messages: Sequence[str] = ()) -> None:
        reason = _REASONS.get(code, "Slack refused")
        super().__init__(f"{reason} ({code}, {method})")
        self.method = method
        self.code = code
        self.reason = reason
        self.messages = tuple(messages)


class SlackFatal(SlackError):  # noqa: N818
    """The app's credentials or scopes don't suffice, and no repetition helps."""

    @property
    def is_credential(self) -> bool:
        """Whether the token itself is no longer accepted."""
        return self.code in _CREDENTIALS


class SlackUnavailable(SlackError):  # noqa: N818
    """Slack did not answer, or only with errors of its own, for as long as the caller would wait.

    `outcome_unknown` is true where the last request was sent whole and only its answer is missing.
    """

    def __init__(self, method: str, code: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(method, code)
        self.outcome_unknown = outcome_unknown


class ChannelRefused(SlackError):  # noqa: N818
    """The channel is gone or archived, or the app may not post there."""


class MessageGone(SlackError):  # noqa: N818
    """The message that was to be edited or answered is not there any more, or is not the app's."""


class BlocksRefused(SlackError):  # noqa: N818
    """Slack did not take the blocks, not even the plainest ones."""


class ViewRefused(SlackError):  # noqa: N818
    """The trigger is spent or too old, or the view changed or was closed."""


class ResponseUrlSpent(SlackError):  # noqa: N818
    """The response URL was used five times or is older than 30 minutes."""


class PaidPlanOnly(SlackError):  # noqa: N818
    """The workspace's plan has no user groups."""


class RateLimited(Exception):  # noqa: N818
    """Slack wants to be left alone for `seconds`. Never leaves this package."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"rate limited for {seconds:.0f} s")
        self.seconds = seconds


class Transient(Exception):  # noqa: N818
    """The same call may work in a moment. `lost`: it may even have worked. Never leaves this package."""

    def __init__(self, code: str, *, lost: bool) -> None:
        super().__init__(code)
        self.code = code
        self.lost = lost


_CREDENTIALS: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "team_access_not_granted",
    }
)
_SCOPES: Final = frozenset({"missing_scope", "not_allowed_token_type", "no_permission", "ekm_access_denied"})
_CHANNEL: Final = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "restricted_action_non_threadable_channel",
        "messages_tab_disabled",
        "cannot_reply_to_message",
        "user_not_in_channel",
        "user_not_found",
        "cannot_dm_bot",
    }
)
_GONE: Final = frozenset(
    {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "block_mismatch"}
)
_BLOCKS: Final = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "only_one_table_allowed",
        "msg_blocks_too_long",
        "msg_too_long",
        "markdown_text_conflict",
    }
)
_VIEW: Final = frozenset(
    {
        "expired_trigger_id",
        "invalid_trigger_id",
        "trigger_exchanged",
        "exchanged_trigger_id",
        "hash_conflict",
        "not_found",
        "push_limit_reached",
        "view_too_large",
        "duplicate_external_id",
    }
)
_RATE: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
#: Slack's words for its own trouble. The first two add that some of the work may have been done.
_IN_DOUBT: Final = frozenset({"internal_error", "fatal_error"})
_TROUBLE: Final = frozenset({"service_unavailable", "request_timeout", "team_added_to_org", "accesslimited"})

_REASONS: Final = {
    "channel_not_found": "I can't see that channel",
    "not_in_channel": "I am not a member of that channel",
    "is_archived": "the channel is archived",
    "restricted_action": "the workspace does not let me post there",
    "messages_tab_disabled": "the app has no direct messages",
    "user_not_in_channel": "that person is not in the channel",
    "user_not_found": "there is no such person",
    "message_not_found": "the message is not there any more",
    "thread_not_found": "the thread is not there any more",
    "expired_trigger_id": "the click is too old",
    "paid_teams_only": "user groups need a paid plan",
    "missing_scope": "the app lacks a scope",
    "invalid_auth": "the app's token is not valid",
    "token_revoked": "the app's token was revoked",
    "account_inactive": "the app was removed from the workspace",
    "response_url_spent": "this answer's address is used up",
    "connection": "Slack could not be reached",
    "timeout": "Slack did not answer in time",
    "ratelimited": "Slack asked for fewer calls",
    "closed": "the bot is stopping",
}


def classify(method: str, error: SlackApiError) -> Exception:
    """The typed error for a refusal: a `SlackError`, `RateLimited` or `Transient`."""
    response: Any = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    data = getattr(response, "data", None)
    body: dict[str, Any] = data if isinstance(data, dict) else {}
    code = str(body.get("error") or f"http_{status}")
    headers: Any = getattr(response, "headers", None) or {}
    if status == 429 or code in _RATE:
        return RateLimited(_seconds(headers))
    details = body.get("response_metadata")
    messages = details.get("messages", []) if isinstance(details, dict) else []
    return from_code(method, code, [str(message)[:300] for message in messages])


def from_code(method: str, code: str, messages: Sequence[str] = ()) -> Exception:
    """The typed error for one of Slack's codes, or for `http_NNN` where there was none."""
    if code.startswith("http_5") or code in _TROUBLE or code == "http_200":
        return Transient(code, lost=code == "http_200")
    if code in _IN_DOUBT:
        return Transient(code, lost=True)
    kind: type[SlackError] = SlackError
    if code in _CREDENTIALS or code in _SCOPES:
        kind = SlackFatal
    elif code in _CHANNEL:
        kind = ChannelRefused
    elif code in _BLOCKS:
        kind = BlocksRefused
    elif code in _GONE:
        kind = MessageGone
    elif code in {"paid_teams_only", "plan_upgrade_required"}:
        kind = PaidPlanOnly
    elif method.startswith("views.") and code in _VIEW:
        kind = ViewRefused
    return kind(method, code, messages)


def _seconds(headers: Any) -> float:
    for name in ("Retry-After", "retry-after"):
        try:
            return max(1.0, float(headers[name]))
        except (KeyError, TypeError, ValueError):
            continue
    return 30.0
