"""What cloud-init takes, told before a machine is installed with what it does not."""

from __future__ import annotations

import yaml

#: cloud-init's own headers of what is no cloud-config; each is read by another part of it.
_OTHERS = (
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "#cloud-config-archive",
    "## template:",
    "Content-Type:",
)
_MOST = 256 * 1024


def fault_in(text: str) -> str:
    """Why cloud-init would not take `text`, in a sentence; "" when it would. Never quotes it: it may hold passwords."""
    if not text.strip():
        return "it is empty."
    if len(text.encode()) > _MOST:
        return f"it is longer than {_MOST // 1024} KiB."
    odd = next((at for at, letter in enumerate(text) if ord(letter) < 32 and letter not in "\t\n\r"), None)
    if odd is not None:
        return f"line {text.count(chr(10), 0, odd) + 1} holds a control character."
    if text.startswith(_OTHERS):
        return ""
    first = text.lstrip("\ufeff").split("\n", 1)[0].strip()
    if first != "#cloud-config":
        return "its first line must be #cloud-config, or that of a script, like #!/bin/sh."
    return _fault_in_yaml(text)


def _fault_in_yaml(text: str) -> str:
    try:
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else "somewhere"
        # Only what the parser says is wrong: its quotation of the line is left out.
        return f"it is no YAML: {_plain(error.problem or 'something is wrong')} {where}."
    except (yaml.YAMLError, ValueError, RecursionError):
        return "it is no YAML."
    if document is None:
        return "there is nothing in it but comments."
    if not isinstance(document, dict):
        return "it must be a list of settings, each written NAME: VALUE."
    return ""


def _plain(problem: str) -> str:
    """The parser's own words, without characters of the text that it repeats."""
    return problem.split("'", 1)[0].strip().rstrip(",:;") or "something is wrong"
