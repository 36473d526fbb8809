"""What an installer's log says of its failure, in one sentence: curtin's, and that of the programs that it ran."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from bot.maas.errors import clean

#: Characters of the line that is quoted.
_QUOTED = 200

_EXCEPTION = re.compile(r"Installation failed with exception: (.*)")
_GENERIC = "Unexpected error while running command"
_COMMAND = re.compile(r"^\s*Command: (.+)$")
_EXIT = re.compile(r"^\s*Exit code: (-?\d+)")
_STREAM = re.compile(r"^\s*(Stderr|Stdout): ?(.*)$")
#: `finish: cmd-install/stage-partitioning/builtin/cmd-block-meta: FAIL: curtin command block-meta`
_STAGE = re.compile(r"finish: cmd-install/(?:stage-)?([\w-]+)\S*: FAIL")
#: Words of programs that name a cause, the most telling first.
_TELLING = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"no space left on device",
        r"input/output error|i/o error|problem opening /dev/",
        r"(could not|unable to|failed to|temporary failure).*resol",
        r"unable to locate package|has no installation candidate",
        r"failed to fetch|could not connect|connection (timed out|refused)|network is unreachable",
        r"gpg error|no_pubkey|signature",
        r"device or resource busy|target is busy",
        r"no (disks?|such device)|could not find disk|does not exist",
        r"^e: ",
    )
)
_MARKED = re.compile(r"\b(error|fatal|failed|failure)\b", re.IGNORECASE)
#: Lines that only say that something failed, or tell how Python got there.
_EMPTY = re.compile(r"Unexpected error while running command|Traceback \(|^\s+File \"|^finish: |^start: |^Reason: -")


def why_it_failed(log: str) -> str:
    """One sentence of the installer's log (already fit to be shown) that tells the cause; "" when none does."""
    lines = log.split("\n")
    stage = next((found.group(1) for line in lines if (found := _STAGE.search(line))), "")
    while_ = f" while {_doing(stage)}" if stage else ""
    command, code, said = _failed_command(lines)
    telling = said or _telling_line(lines)
    if command:
        told = f": {telling}" if telling else ""
        return f"{clean(command, 80)} failed{f' (exit status {code})' if code else ''}{while_}{told}"
    exception = next((found.group(1) for line in reversed(lines) if (found := _EXCEPTION.search(line))), "")
    if exception and _GENERIC not in exception:
        return f"{clean(exception, _QUOTED)}{while_}"
    return f"{telling}{while_}" if telling else ""


def _doing(stage: str) -> str:
    return {
        "partitioning": "it partitioned the disks",
        "extract": "it unpacked the system",
        "curthooks": "it set up the kernel and the boot loader",
        "network": "it wrote the network settings",
        "early": "it ran the early commands",
        "late": "it ran the late commands",
        "hook": "it ran the image's own hooks",
    }.get(stage, f"it was at {stage}")


def _failed_command(lines: Sequence[str]) -> tuple[str, str, str]:
    """The program that failed first, its exit status, and what it wrote last."""
    at = next((number for number, line in enumerate(lines) if _COMMAND.match(line)), None)
    if at is None:
        return "", "", ""
    found = _COMMAND.match(lines[at])
    command = _program(found.group(1) if found else "")
    code, said = "", {"Stderr": "", "Stdout": ""}
    stream = ""
    for line in lines[at + 1 : at + 60]:
        if _COMMAND.match(line):
            break
        if (exit_ := _EXIT.match(line)) is not None:
            code = exit_.group(1)
        elif (begun := _STREAM.match(line)) is not None:
            stream = begun.group(1)
            said[stream] = begun.group(2)
        elif stream and line.startswith(" ") and line.strip():
            said[stream] += "\n" + line
        else:
            stream = ""
    words = _telling_line(said["Stderr"].split("\n"), last=True) or _telling_line(said["Stdout"].split("\n"))
    return command, code, words


def _program(written: str) -> str:
    """`apt-get install` of `['unshare', '--fork', …, 'chroot', '/tmp/x/target', 'apt-get', 'install']`."""
    try:
        words = [str(word) for word in ast.literal_eval(written)]
    except (ValueError, SyntaxError, TypeError):
        return written
    while words and words[0] in {"unshare", "chroot", "sudo", "env"}:
        wrapper = words.pop(0)
        while words and words[0].startswith("-"):
            words.pop(0)
        if wrapper == "chroot" and words:
            words.pop(0)
    return " ".join(words[:6])


def _telling_line(lines: Sequence[str], *, last: bool = False) -> str:
    said = [line.strip().strip("'\"").replace("\\n", " ") for line in lines if line.strip() and not _EMPTY.search(line)]
    said = [line for line in said if line and line not in {"''", '""'}]
    for pattern in _TELLING:
        found = next((line for line in reversed(said) if pattern.search(line)), "")
        if found:
            return clean(found, _QUOTED)
    marked = next((line for line in reversed(said) if _MARKED.search(line) and not _EXCEPTION.search(line)), "")
    if marked or not (last and said):
        return clean(marked, _QUOTED)
    return clean(said[-1], _QUOTED)
