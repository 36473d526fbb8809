"""What phones and Slack do to text, undone: long dashes, smart quotes, `<http://host|host>`, `&lt;`."""

from __future__ import annotations

import re
import shlex
import unicodedata

# iOS and macOS turn "--" into one of these as it is typed; a dash that opens a word is an option's.
_LONG_DASH = re.compile(r"(?<!\S)[\u2013\u2014\u2015\u2212]+(?=\S)")
_QUOTES = str.maketrans(
    {
        "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"', "\u00bb": '"', "\u300c": '"',
        "\u300d": '"', "\uff02": '"', "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'", "\uff07": "'",
    }
)  # fmt: skip
_LINK = re.compile(r"<((?:https?|ftp|ssh|mailto|tel):[^<>|\s]*)(?:\|([^<>]*))?>")
_REFERENCE = re.compile(r"<([@#])([A-Z0-9]+)(?:\|[^<>]*)?>")
_GROUP = re.compile(r"<!subteam\^([A-Z0-9]+)(?:\|[^<>]*)?>")


def clean(text: str) -> str:
    """Return `text` as the person meant it: plain ASCII dashes, quotes and blanks, links as they were typed.

    References to people, channels and groups become their ids (`U…`, `C…`, `S…`).
    """
    text = "".join(_plain_character(char) for char in text)
    text = _LINK.sub(lambda match: _typed_link(match[1], match[2]), text)
    text = _GROUP.sub(lambda match: match[1], text)
    text = _REFERENCE.sub(lambda match: match[2], text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    text = _LONG_DASH.sub("--", text)
    return text.translate(_QUOTES).strip()


def as_typed(text: str) -> str:
    """A text of several lines as it was typed, without what Slack makes of addresses and of `<`, `>` and `&`."""
    text = _LINK.sub(lambda match: _typed_link(match[1], match[2]), text.replace("\r\n", "\n"))
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text.replace("\u00a0", " ")


def split(text: str) -> list[str]:
    """Split cleaned text into words; quotes group. An apostrophe with no partner is just a letter."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _plain_character(char: str) -> str:
    if char.isspace():
        return " "
    # Zero-width and direction marks ride along with copied names and would make two equal-looking names differ.
    return "" if unicodedata.category(char) in {"Cc", "Cf", "Co", "Cn", "Cs"} else char


def _typed_link(url: str, label: str | None) -> str:
    if label is None:
        return url.removeprefix("mailto:").removeprefix("tel:")
    bare = re.sub(r"^[a-z]+:(//)?", "", url).rstrip("/")
    # Slack links a bare "host" to "http://host"; the label is then what was typed. Any other label is decoration.
    return label if label.rstrip("/") in {bare, url} else url
