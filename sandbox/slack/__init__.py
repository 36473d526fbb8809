"""A strict stand-in for a Slack workspace: Web API, Socket Mode, signed deliveries over HTTP, people who act.

workspace = Workspace()
server = SlackServer(workspace)
await server.start()                     # server.api_url -> http://127.0.0.1:PORT/api/
outcome = await workspace.slash("U0OLGA", "C0OPS", "status")
workspace.messages("C0OPS", "U0OLGA")
"""

from sandbox.slack.application import AppConfig, SlashCommand
from sandbox.slack.errors import NothingThereError, SlackError
from sandbox.slack.faults import Faults
from sandbox.slack.feed import Subscription
from sandbox.slack.model import (
    SLACKBOT,
    Channel,
    Container,
    File,
    HomeRef,
    Message,
    MessageRef,
    User,
    Usergroup,
    Version,
    View,
    ViewRef,
    WorkspaceEvent,
)
from sandbox.slack.outcomes import Ack, ApiAnswer, ApiCall, ClickOutcome, SlashOutcome, SubmitOutcome, Timing
from sandbox.slack.server import SlackServer
from sandbox.slack.workspace import Workspace

__all__ = [
    "SLACKBOT",
    "Ack",
    "ApiAnswer",
    "ApiCall",
    "AppConfig",
    "Channel",
    "ClickOutcome",
    "Container",
    "Faults",
    "File",
    "HomeRef",
    "Message",
    "MessageRef",
    "NothingThereError",
    "SlackError",
    "SlackServer",
    "SlashCommand",
    "SlashOutcome",
    "SubmitOutcome",
    "Subscription",
    "Timing",
    "User",
    "Usergroup",
    "Version",
    "View",
    "ViewRef",
    "Workspace",
    "WorkspaceEvent",
]
