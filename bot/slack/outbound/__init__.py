"""The outbound writer: the one place that calls Slack's Web API."""

from bot.slack.outbound.budget import BUDGETS, Budget, Clock, SystemClock
from bot.slack.outbound.calls import OnCall, OnFatal, closed_pause
from bot.slack.outbound.errors import (
    BlocksRefused,
    ChannelRefused,
    MessageGone,
    PaidPlanOnly,
    ResponseUrlSpent,
    SlackError,
    SlackFatal,
    SlackUnavailable,
    ViewRefused,
)
from bot.slack.outbound.posting import Ref
from bot.slack.outbound.writer import Outbound

__all__ = [
    "BUDGETS",
    "BlocksRefused",
    "Budget",
    "ChannelRefused",
    "Clock",
    "MessageGone",
    "OnCall",
    "OnFatal",
    "Outbound",
    "PaidPlanOnly",
    "Ref",
    "ResponseUrlSpent",
    "SlackError",
    "SlackFatal",
    "SlackUnavailable",
    "SystemClock",
    "ViewRefused",
    "closed_pause",
]
