"""Messages, modals and home tabs of a workspace as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from sandbox.page.directory import WorkspaceDirectory, file_url
from sandbox.page.mrkdwn import render_mrkdwn
from sandbox.page.render import HEX_COLOUR, Renderer
from sandbox.slack.model import SLACKBOT, File, Message, View
from sandbox.slack.workspace import Workspace

#: Lines of a text file that a message shows before it is downloaded.
PREVIEW_LINES = 12
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class Author:
    """Who a message shows as its sender; `colour` is six hex digits."""

    name: str
    initials: str
    colour: str
    is_app: bool


class MessageRenderer:
    """Draws what one workspace holds, for any of its people."""

    def __init__(self, workspace: Workspace, environment: Environment) -> None:
        self._workspace = workspace
        self._environment = environment
        self._directory = WorkspaceDirectory(workspace)

    def renderer(self, viewer: str | None) -> Renderer:
        """The Block Kit renderer for this person."""
        return Renderer(self._environment, self._directory, viewer)

    def render_message(self, message: Message, viewer: str, *, in_thread: bool = False) -> Markup:
        """A message with its blocks, files and marks; in a thread pane without the link to its thread."""
        return self.renderer(viewer).template(
            "message.html",
            message=message,
            author=self.author(message),
            at=datetime.fromtimestamp(float(message.ts), UTC),
            warning=message.warning,
            files=[self._file(file, viewer) for file in self._files(message)],
            replies=0 if in_thread else len(self._workspace.replies(message)),
            can_thread=not in_thread and not message.is_ephemeral and not message.is_reply,
        )

    def render_modal(self, view: View, viewer: str) -> Markup:
        """One modal of the person's stack, closed; the page opens it."""
        return self.renderer(viewer).template("modal.html", view=view)

    def render_home(self, viewer: str) -> Markup:
        """The app's home tab for this person, or that there is none yet."""
        view = self._workspace.home(viewer)
        return self.renderer(viewer).template("home.html", view=view, app=self._workspace.app.display_name)

    def plain(self, text: str) -> str:
        """Markup text with its mentions named and everything else stripped, for a notice."""
        return render_mrkdwn(text, self._directory).striptags()

    def author(self, message: Message) -> Author:
        """The sender by name; the app by the name that the message asks for, if any."""
        user = self._workspace.users.get(message.user)
        is_app = message.bot_id is not None
        if message.user == SLACKBOT:
            return Author("Slackbot", "S", "5b6669", is_app=False)
        if user is None:
            return Author(message.username or message.user, "?", "5b6669", is_app)
        colour = "1f5f6b" if user.is_bot else _hex(user.color)
        return Author(message.username or user.real_name, user.initials, colour, is_app)

    def _files(self, message: Message) -> list[File]:
        files = (self._workspace.files.get(file_id) for file_id in message.files)
        return [file for file in files if file is not None]

    def _file(self, file: File, viewer: str) -> Mapping[str, Any]:
        lines = file.content.decode("utf-8", "replace").splitlines() if file.is_text else []
        return {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "kind": (file.filetype or "file")[:4],
            "size": readable_size(file.size),
            "url": file_url(file.id, viewer),
            "picture": is_picture(file),
            "alt": file.alt_txt or file.title or file.name,
            "preview": "\n".join(lines[:PREVIEW_LINES]),
            "more_lines": max(0, len(lines) - PREVIEW_LINES),
        }


def is_picture(file: File) -> bool:
    """Whether a browser may show the file in place; SVG may carry script, so it may not."""
    return file.mimetype in _PICTURES


def readable_size(size: int) -> str:
    """Bytes in words: 2.5 kB, 14 MB."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} GB"


def _hex(colour: str) -> str:
    return colour.removeprefix("#") if HEX_COLOUR.fullmatch(colour) else "5b6669"
