"""The `rich_text` block and everything inside it."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.slack.schema import Check, anything, array, boolean, integer, one_of, record, string, typed, url

_STYLE = record(
    {},
    {
        "bold": boolean,
        "italic": boolean,
        "strike": boolean,
        "code": boolean,
        "underline": boolean,
        "highlight": boolean,
    },
)
_MENTION_STYLE = record(
    {},
    {
        "bold": boolean,
        "italic": boolean,
        "strike": boolean,
        "highlight": boolean,
        "client_highlight": boolean,
        "unlink": boolean,
    },
)


def _inline(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    return record({"type": anything, **required}, optional or {})


_INLINE: Mapping[str, Check] = {
    "text": _inline({"text": string(None, 1)}, {"style": _STYLE}),
    "link": _inline({"url": url()}, {"text": string(), "unsafe": boolean, "style": _STYLE}),
    "emoji": _inline({"name": string(None, 1)}, {"unicode": string(), "skin_tone": integer(1, 6), "style": _STYLE}),
    "user": _inline({"user_id": string(None, 1)}, {"style": _MENTION_STYLE}),
    "usergroup": _inline({"usergroup_id": string(None, 1)}, {"style": _MENTION_STYLE}),
    "channel": _inline({"channel_id": string(None, 1)}, {"style": _MENTION_STYLE}),
    "broadcast": _inline({"range": one_of("here", "channel", "everyone")}, {"style": _MENTION_STYLE}),
    "color": _inline({"value": string(7, 4)}),
    "date": _inline(
        {"timestamp": integer(), "format": string(None, 1)},
        {"url": url(), "fallback": string(), "style": _STYLE},
    ),
    "team": _inline({"team_id": string(None, 1)}, {"style": _MENTION_STYLE}),
}
_INLINES = array(typed(_INLINE))
_LITERAL = array(typed({"text": _INLINE["text"], "link": _INLINE["link"]}))
_SECTION = record({"type": anything, "elements": _INLINES})

_ELEMENT = typed(
    {
        "rich_text_section": _SECTION,
        "rich_text_list": record(
            {
                "type": anything,
                "style": one_of("bullet", "ordered"),
                "elements": array(typed({"rich_text_section": _SECTION})),
            },
            {"indent": integer(0, 8), "offset": integer(0), "border": integer(0, 1)},
        ),
        "rich_text_preformatted": record(
            {"type": anything, "elements": _LITERAL}, {"border": integer(0, 1), "language": string()}
        ),
        "rich_text_quote": record({"type": anything, "elements": _INLINES}, {"border": integer(0, 1)}),
    }
)

RICH_TEXT = record({"type": anything, "elements": array(_ELEMENT, 1)}, {"block_id": string(255)})
