"""Block Kit to HTML, on the server: one jinja2 template a block or element type, autoescape on.

Python decides and prepares here; the templates lay out. Text of messages reaches HTML only through
`mrkdwn.py`, `markdown.py`, `rich_text.py` (which escape) or jinja2's own escaping.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, TemplateNotFound, UndefinedError, select_autoescape
from markupsafe import Markup

from sandbox.page import charts
from sandbox.page.directory import Directory, file_url
from sandbox.page.links import safe_image, safe_link
from sandbox.page.markdown import render_markdown
from sandbox.page.mrkdwn import render_mrkdwn, render_plain
from sandbox.page.rich_text import RichText, plain_text_of

Node = Mapping[str, Any]

HEX_COLOUR = re.compile(r"#?[0-9a-fA-F]{6}")
_SELECTS = {
    "multi_external_select": "external_select",
    "users_select": "static_select",
    "conversations_select": "static_select",
    "channels_select": "static_select",
    "multi_users_select": "multi_static_select",
    "multi_conversations_select": "multi_static_select",
    "multi_channels_select": "multi_static_select",
    "email_text_input": "plain_text_input",
    "url_text_input": "plain_text_input",
    "number_input": "plain_text_input",
    "timepicker": "datepicker",
    "datetimepicker": "datepicker",
    "workflow_button": "button",
    "icon_button": "button",
}


def make_environment() -> Environment:
    """The page's template environment: autoescape always; a key that a block lacks counts as empty."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Renderer:
    """Renders blocks, messages and views as one person sees them."""

    def __init__(self, environment: Environment, directory: Directory, viewer: str | None = None) -> None:
        self._environment = environment
        self._rich_text = RichText(directory, viewer)
        self.directory = directory
        self.viewer = viewer

    def template(self, name: str, **context: Any) -> Markup:
        """A template's output; `r` in it is this renderer."""
        return Markup(self._environment.get_template(name).render(r=self, **context))

    def blocks(self, blocks: object, *, surface: str = "message") -> Markup:
        """A list of blocks, in order."""
        return Markup("\n").join(self.block(block, surface=surface) for block in _nodes(blocks))

    def block(self, block: Node, *, surface: str = "message") -> Markup:
        """One block; a type without a template, or one out of shape, shows its name instead of vanishing."""
        try:
            return self._by_type("blocks", block, block=block, surface=surface)
        except (TypeError, ValueError, LookupError, AttributeError, UndefinedError):
            return self.template("blocks/unsupported.html", kind=str(block.get("type", "")))

    def element(self, element: Node, *, block_id: str = "", label: str = "") -> Markup:
        """One interactive element or picture."""
        return self._by_type("elements", element, e=element, block_id=block_id, label=label)

    def _by_type(self, folder: str, node: Node, **context: Any) -> Markup:
        kind = str(node.get("type", ""))
        name = _SELECTS.get(kind, kind)
        if not name.replace("_", "").isalnum():
            name = "unsupported"
        try:
            return self.template(f"{folder}/{name}.html", kind=kind, **context)
        except TemplateNotFound as missing:
            if missing.name != f"{folder}/{name}.html":
                raise
            return self.template(f"{folder}/unsupported.html", kind=kind, **context)

    def text(self, text: object) -> Markup:
        """A text object (plain_text, mrkdwn, rich_text) or a bare string, as HTML."""
        if isinstance(text, str):
            return render_plain(text)
        if not isinstance(text, Mapping):
            return Markup("")
        if text.get("type") == "mrkdwn":
            return self.mrkdwn(str(text.get("text", "")))
        if text.get("type") == "rich_text":
            return self.rich_text(text)
        return render_plain(str(text.get("text", "")), emoji=bool(text.get("emoji", True)))

    def mrkdwn(self, text: str) -> Markup:
        return render_mrkdwn(text, self.directory, viewer=self.viewer)

    def markdown(self, text: str) -> Markup:
        return render_markdown(text)

    def rich_text(self, block: Node) -> Markup:
        return self._rich_text.render(block)

    def cell(self, cell: object) -> Markup:
        """One cell of a table: raw_text, raw_number, rich_text, or a button (action)."""
        if not isinstance(cell, Mapping):
            return render_plain("" if cell is None else str(cell))
        match cell.get("type"):
            case "rich_text":
                return self.rich_text(cell)
            case "action" if isinstance(cell.get("element"), Mapping):
                return self.element(cell["element"])
            case "raw_number":
                return render_plain(str(cell.get("text") or _plain_number(cell)))
            case _:
                return self.text(cell)

    def sort_key(self, cell: object) -> str:
        """What a column sorts and filters by: the number of a raw_number, else the bare text."""
        if not isinstance(cell, Mapping):
            return "" if cell is None else str(cell)
        match cell.get("type"):
            case "raw_number":
                return str(_plain_number(cell))
            case "rich_text":
                return plain_text_of(cell)
            case "action":
                return self.sort_key((cell.get("element") or {}).get("text"))
            case _:
                return str(cell.get("text", ""))

    def options_of(self, element: Node) -> Sequence[tuple[str, list[Node]]]:
        """Groups of options of a select, as (group label, options); people and channels by name."""
        kind = str(element.get("type", ""))
        if "users_select" in kind:
            return [("", [_option(name, user_id) for user_id, name in self.directory.people()])]
        if "conversations_select" in kind or "channels_select" in kind:
            channels = self.directory.conversations()
            return [("", [_option(f"#{name}", channel_id) for channel_id, name in channels])]
        if groups := _nodes(element.get("option_groups")):
            return [(self.plain(group.get("label")), _nodes(group.get("options"))) for group in groups]
        return [("", _nodes(element.get("options")))]

    def chosen(self, element: Node) -> set[str]:
        """Values that are chosen at first, whatever the element calls them."""
        values: set[str] = set()
        for name in ("initial_option", "initial_user", "initial_conversation", "initial_channel"):
            initial = element.get(name)
            if isinstance(initial, Mapping):
                values.add(str(initial.get("value", "")))
            elif isinstance(initial, str):
                values.add(initial)
        for name in ("initial_options", "initial_users", "initial_conversations", "initial_channels"):
            for initial in element.get(name) or []:
                values.add(str(initial.get("value", "")) if isinstance(initial, Mapping) else str(initial))
        return values

    @staticmethod
    def plain(text: object) -> str:
        """The bare text of a text object, for labels and attributes."""
        if isinstance(text, Mapping):
            return plain_text_of(text) if text.get("type") == "rich_text" else str(text.get("text", ""))
        return str(text) if text is not None else ""

    @staticmethod
    def json(value: object) -> str:
        """For a data attribute; jinja2 escapes the quotes."""
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def picture(self, node: Node) -> str | None:
        """The address of an image block's or element's picture, if it has one that may be loaded."""
        if isinstance(file := node.get("slack_file"), Mapping) and isinstance(file.get("id"), str):
            return file_url(file["id"], self.viewer)
        return safe_image(node.get("image_url"))

    @staticmethod
    def colour(value: object) -> str:
        """A legacy attachment's bar: Slack's three words, or six hex digits."""
        named = {"good": "#2fa277", "warning": "#e0a32e", "danger": "#cf4b64"}
        text = str(value or "")
        return named.get(text) or (f"#{text.removeprefix('#')}" if HEX_COLOUR.fullmatch(text) else "#9aa6a9")

    link = staticmethod(safe_link)
    plot = staticmethod(charts.plot)


def _plain_number(cell: Node) -> object:
    value = cell.get("value", cell.get("number", cell.get("text", "")))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _option(label: str, value: str) -> Node:
    return {"text": {"type": "plain_text", "text": label, "emoji": False}, "value": value}


def _nodes(value: object) -> list[Node]:
    return [node for node in value if isinstance(node, Mapping)] if isinstance(value, list) else []
