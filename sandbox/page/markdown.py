"""Standard Markdown, as a `markdown` block carries it, to HTML. A modest subset; the rest stays text.

Headings, paragraphs, lists (nested by indent, with tasks), quotes, fenced code, rules, pipe tables, and
inline bold, italic, strike, code and links.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup, escape

from sandbox.page.emoji import emojize
from sandbox.page.mrkdwn import link_element

_HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")
_FENCE = re.compile(r"^```\s*[\w+-]*\s*$")
_RULE = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")
_ITEM = re.compile(r"^(?P<indent>\s*)(?:[-*+]|(?P<number>\d{1,9})[.)])\s+(?P<text>.*)$")
_TASK = re.compile(r"^\[(?P<mark>[ xX])\]\s+")
_TABLE_RULE = re.compile(r"^\s*\|?\s*:?-{1,}:?\s*(?:\|\s*:?-{1,}:?\s*)*\|?\s*$")
_INLINE = re.compile(
    r"\\(?P<literal>[\\`*_{}\[\]()#+.!~|>-])"
    r"|(?P<ticks>`+)(?P<code>.+?)(?P=ticks)"
    r"|!?\[(?P<label>[^\]\n]*)\]\((?P<url>[^)\s]+)\)"
    r"|<(?P<auto>(?:https?://|mailto:)[^<>\s]+)>"
    r"|\*\*(?P<bold>\S.*?)\*\*|__(?P<bold2>\S.*?)__"
    r"|~~(?P<strike>\S.*?)~~"
    r"|\*(?P<italic>[^\s*].*?)\*|(?<!\w)_(?P<italic2>[^\s_].*?)_(?!\w)"
)


def render_markdown(text: str) -> Markup:
    """Markdown as safe HTML; raw HTML in it stays text."""
    return Markup("").join(_blocks(text.replace("\r\n", "\n").split("\n")))


def _blocks(lines: list[str]) -> list[Markup]:
    parts: list[Markup] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif _FENCE.match(line):
            end = next((i for i in range(at + 1, len(lines)) if lines[i].startswith("```")), len(lines))
            parts.append(Markup("<pre>{}</pre>").format("\n".join(lines[at + 1 : end])))
            at = end + 1
        elif heading := _HEADING.match(line):
            level = min(len(heading[1]) + 2, 6)
            parts.append(Markup("<h{0}>{1}</h{0}>").format(level, _inline(heading[2])))
            at += 1
        elif _RULE.match(line):
            parts.append(Markup("<hr>"))
            at += 1
        elif line.lstrip().startswith(">"):
            at, quoted = _take(lines, at, lambda text: text.lstrip().startswith(">"))
            inner = _blocks([re.sub(r"^\s*>\s?", "", text) for text in quoted])
            parts.append(Markup("<blockquote>{}</blockquote>").format(Markup("").join(inner)))
        elif _ITEM.match(line):
            at, items = _take(lines, at, lambda text: bool(_ITEM.match(text)) or text.startswith("  "))
            parts.append(_list(items))
        elif "|" in line and at + 1 < len(lines) and _TABLE_RULE.match(lines[at + 1]):
            at, rows = _take(lines, at, lambda text: "|" in text)
            parts.append(_table(rows))
        else:
            at, paragraph = _take(lines, at, _is_plain)
            inner_lines = [_inline(text) for text in paragraph]
            parts.append(Markup("<p>{}</p>").format(Markup("<br>").join(inner_lines)))
    return parts


def _is_plain(line: str) -> bool:
    starts_block = _FENCE.match(line) or _HEADING.match(line) or _RULE.match(line) or _ITEM.match(line)
    return bool(line.strip()) and not starts_block and not line.lstrip().startswith(">")


def _take(lines: list[str], start: int, belongs: Callable[[str], bool]) -> tuple[int, list[str]]:
    """The run of lines from `start` that belong together; always at least one."""
    end = start + 1
    while end < len(lines) and lines[end].strip() and belongs(lines[end]):
        end += 1
    return end, lines[start:end]


def _list(lines: list[str]) -> Markup:
    """Items of one list; deeper indents nest, unmarked lines continue the item before them."""
    first = _ITEM.match(lines[0])
    if first is None:
        return Markup("")
    base = len(first["indent"])
    tag = Markup("ol") if first["number"] else Markup("ul")
    items: list[tuple[str, list[str]]] = []
    for line in lines:
        item = _ITEM.match(line)
        if item and len(item["indent"]) <= base + 1:
            items.append((item["text"], []))
        elif items:
            items[-1][1].append(line)
    rendered = Markup("").join(_item(text, below) for text, below in items)
    start = Markup(' start="{}"').format(first["number"]) if first["number"] not in {None, "1"} else Markup("")
    return Markup("<{0}{1}>{2}</{0}>").format(tag, start, rendered)


def _item(text: str, below: list[str]) -> Markup:
    mark = Markup("")
    if task := _TASK.match(text):
        mark = Markup("☐ ") if task["mark"] == " " else Markup("☑ ")
        text = text[task.end() :]
    while below and not _ITEM.match(below[0]):
        text += "\n" + below.pop(0).strip()
    inner = Markup("<br>").join(_inline(line) for line in text.split("\n"))
    nested = _list(below) if below else Markup("")
    return Markup("<li>{}{}{}</li>").format(mark, inner, nested)


def _table(rows: list[str]) -> Markup:
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows]
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(_inline(cell)) for cell in cells[0])
    body = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(_inline(cell)) for cell in row))
        for row in cells[2:]
    )
    return Markup('<div class="table-scroll"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        head, body
    )


def _inline(text: str) -> Markup:
    parts: list[Markup] = []
    end = 0
    for found in _INLINE.finditer(text):
        parts.append(escape(emojize(text[end : found.start()])))
        parts.append(_token(found))
        end = found.end()
    parts.append(escape(emojize(text[end:])))
    return Markup("").join(parts)


def _token(found: re.Match[str]) -> Markup:
    if found["literal"]:
        return escape(found["literal"])
    if found["code"]:
        return Markup("<code>{}</code>").format(found["code"])
    if found["url"]:
        return link_element(found["url"], _inline(found["label"]) or None)
    if found["auto"]:
        return link_element(found["auto"])
    for names, tag in ((("bold", "bold2"), "strong"), (("strike",), "s"), (("italic", "italic2"), "em")):
        for name in names:
            if found[name]:
                return Markup("<{0}>{1}</{0}>").format(Markup(tag), _inline(found[name]))
    return escape(found[0])
