"""Every other part of a message → blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bot.message import Bullets, Button, Buttons, Facts, Heading, Log, Note, Paragraph, Style
from bot.slack.render import limits
from bot.slack.render.literal import cut, literal, size, tail
from bot.slack.render.piece import Frame, Piece
from bot.slack.render.spans import Block, mrkdwn, plain_object, rich, rich_block, section, weight, written

_NOTICE = 160


def heading(part: Heading) -> Piece:
    """A header block; longer than 150 characters it is cut."""
    if not literal(part.text).strip():
        return Piece([])
    return Piece([{"type": "header", "text": plain_object(part.text, limits.HEADER)}])


def paragraph(part: Paragraph, frame: Frame, room: int) -> Piece:
    """A rich text section; what doesn't fit goes into a file as a whole."""
    whole = rich(part.text, limit=10**9)
    if not whole:
        return Piece([])
    if weight(whole) + limits.FRAME <= min(room, limits.TEXT + limits.FRAME):
        return Piece([rich_block(section(whole))])
    file = frame.file("text", "The whole text", written(part.text) + "\n")
    kept = rich(part.text, limit=max(0, min(room, limits.TEXT) - _NOTICE - 2 * limits.FRAME))
    blocks = [rich_block(section(kept))] if kept else []
    return Piece([*blocks, frame.rest("The text is longer", file)], file)


def bullets(part: Bullets, frame: Frame, room: int) -> Piece:
    """A bulleted list, or its first items with how many there are."""
    room = min(room, limits.TEXT)
    items = [section(elements) for item in part.items if (elements := rich(item, limit=1_000))]
    if not items:
        return Piece([])
    kept = _first(items, room - limits.FRAME)
    if kept == len(items):
        return Piece([_bullet_list(items)])
    kept = _first(items, room - _NOTICE - 2 * limits.FRAME)
    file = frame.file("list", "The whole list", "".join(f"- {written(item)}\n" for item in part.items))
    blocks = [_bullet_list(items[:kept])] if kept else []
    return Piece([*blocks, frame.shown(kept, len(items), file)], file)


def _first(items: Sequence[Block], room: int) -> int:
    for count, item in enumerate(items):
        room -= weight(item)
        if room < 0:
            return count
    return len(items)


def _bullet_list(items: list[Block]) -> Block:
    return rich_block({"type": "rich_text_list", "style": "bullet", "elements": items})


def facts(part: Facts) -> Piece:
    """Label and value two abreast; one under the other where a value could be taken for markup.

    Slack lays out two columns only as a section's fields, and those have mrkdwn or no form at all.
    """
    fields: list[str] = []
    for label, value in part.items:
        head, body = mrkdwn((literal(label),)), mrkdwn(value)
        if head is None or body is None or size(field := f"*{head.strip()}*\n{body}") > limits.FIELD:
            return _fact_lines(part)
        fields.append(field if head.strip() else body or "–")
    blocks: list[Block] = []
    for start in range(0, len(fields), limits.FIELDS):
        chunk = fields[start : start + limits.FIELDS]
        texts = [{"type": "mrkdwn", "text": field, "verbatim": True} for field in chunk]
        blocks.append({"type": "section", "fields": texts})
    return Piece(blocks)


def _fact_lines(part: Facts) -> Piece:
    elements: list[Block] = []
    room = limits.TEXT
    for label, value in part.items:
        line: list[Block] = [{"type": "text", "text": "\n"}] if elements else []
        head = cut(literal(label), limits.HEADER) or "–"
        line.append({"type": "text", "text": head, "style": {"bold": True}})
        line += [{"type": "text", "text": " "}, *rich(value, limit=500)]
        room -= weight(line)
        if room < 0:
            break
        elements += line
    return Piece([rich_block(section(elements))] if elements else [])


def log(part: Log, frame: Frame, room: int) -> Piece:
    """The end of a program's output; the whole of it in a file where it was cut."""
    text = literal(part.text, lines=True).strip("\n")
    title = cut(literal(part.title), limits.HEADER)
    head = [section([{"type": "text", "text": title, "style": {"bold": True}}])] if title else []
    if not text.strip():
        nothing: Block = {"type": "text", "text": "no output"}
        return Piece([rich_block(*head, section([nothing]))])
    room = min(room, limits.TEXT) - limits.FRAME - size(title)
    file = None
    if size(text) > room:
        file = frame.file(title or "log", title or "Log", text + "\n")
        shown = tail(text, max(0, room - _NOTICE - limits.FRAME))
    else:
        shown = text
    blocks: list[Block] = []
    if shown:
        body: Block = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": shown}]}
        blocks.append(rich_block(*head, body))
    if file is not None:
        lines, kept = text.count("\n") + 1, shown.count("\n") + 1 if shown else 0
        blocks.append(frame.rest(f"The last {kept} of {lines} lines shown", file))
    return Piece(blocks, file)


def note(part: Note) -> Piece:
    """Small print, where it can't be taken for markup; ordinary print otherwise."""
    elements = rich(part.text, limit=limits.TEXT)
    if not elements:
        return Piece([])
    text = mrkdwn(part.text)
    if text is not None and text.strip() and size(text) <= limits.TEXT:
        return Piece([{"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}])
    return Piece([rich_block(section(elements))])


def divider() -> Piece:
    """A line across."""
    return Piece([{"type": "divider"}])


def buttons(part: Buttons, names: Counter[str]) -> Piece:
    """Buttons in rows of at most 25.

    Slack wants every action_id of a message to be unique, so the second button for one action is `action#2`;
    `action_name` takes that off again.

    Raises:
        ValueError: an action or a value that Slack can't carry; to cut it would change what the click means.
    """
    made = [_button(button, names) for button in part.buttons]
    return Piece(
        [
            {"type": "actions", "elements": made[start : start + limits.BUTTONS]}
            for start in range(0, len(made), limits.BUTTONS)
        ]
    )


def _button(button: Button, names: Counter[str]) -> Block:
    if not button.action or "#" in button.action or len(button.action) > limits.ACTION_ID - 5:
        raise ValueError(f"an action's name has 1 to {limits.ACTION_ID - 5} characters and no '#'")
    if size(button.value) > limits.VALUE:
        raise ValueError(f"a button's value has at most {limits.VALUE} characters")
    names[button.action] += 1
    count = names[button.action]
    made: Block = {
        "type": "button",
        "text": plain_object(button.label, limits.LABEL),
        "action_id": button.action if count == 1 else f"{button.action}#{count}",
    }
    if button.value:
        made["value"] = button.value
    if button.style is not Style.PLAIN:
        made["style"] = button.style.value
    return made


def action_name(action_id: str) -> str:
    """The name of the handler in a click's action_id."""
    return action_id.partition("#")[0]
