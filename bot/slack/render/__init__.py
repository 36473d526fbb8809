"""Messages → Slack's Block Kit. Pure: nothing here waits, logs or remembers."""

from bot.slack.render.compose import Rendered, render
from bot.slack.render.marks import EMOJI
from bot.slack.render.parts import action_name
from bot.slack.render.piece import Native, Surface

__all__ = ["EMOJI", "Native", "Rendered", "Surface", "action_name", "render"]
