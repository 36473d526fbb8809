"""Logs by name: MAAS's files (snap or deb) or journal, PostgreSQL's, apt's, the system's. No secrets, and bounded."""

from __future__ import annotations

import calendar
import glob
import os
import re
import resource
import stat
import subprocess
import time
from typing import Any, Iterable

from bot.host.helper.base import Refused
from bot.host.helper.fields import Fields, flag, log_name, one_line, whole_number
from bot.host.helper.programs import Tools
from bot.host.helper.redaction import Redaction

LOG_FIELDS = Fields(
    {"name": log_name},
    {
        "lines": (whole_number(1, 5000), 50),
        "since": (whole_number(1, 31 * 86_400), None),
        "grep": (one_line(1, 200), None),
        "regex": (flag, False),
    },
)
_TAIL = 8_000_000
_ANSWER = 400_000
_LINE = 2_000
_GREP_TIME = 5.0
_CLEAN_TIME = 15.0
_GREP_MEMORY = 512 << 20

#: Name → file in MAAS's log folder, and its tag in the journal (3.5 on).
_MAAS = {
    "maas": ("maas", "maas-log"),
    "regiond": ("regiond", "maas-regiond"),
    "rackd": ("rackd", "maas-rackd"),
    "named": ("named", "named"),
    "nginx": ("nginx", "maas-http"),
    "http": ("http", "maas-http"),
    "chrony": ("chrony", "chronyd"),
    "proxy": ("proxy", "maas-proxy"),
    "rsyslog": ("rsyslog", "rsyslogd"),
    "dhcpd": ("dhcpd", "dhcpd"),
    "temporal": ("temporal", "maas-temporal"),
    "supervisor": ("supervisor-run", ""),
}
_LOG_FOLDERS = ("/var/snap/maas/common/log", "/var/log/maas")
_SYSTEM = {
    "postgresql": "/var/log/postgresql/postgresql-*.log",
    "apt": "/var/log/apt/term.log",
    "dpkg": "/var/log/dpkg.log",
}
_UNITS = {"snapd": ("-u", "snapd"), "system": ("-b",)}


def _file(tools: Tools, name: str) -> str | None:
    """The newest file of this log."""
    if name in _MAAS:
        patterns = [f"{folder}/{_MAAS[name][0]}.log" for folder in _LOG_FOLDERS]
    elif name in _SYSTEM:
        patterns = [_SYSTEM[name]]
    else:
        return None
    found = [path for one in patterns for path in glob.glob(tools.place.at(one)) if _plain(path)]
    return max(found, key=lambda path: os.lstat(path).st_mtime) if found else None


def _plain(path: str) -> bool:
    """Whether it is a file by itself: PostgreSQL's user may put links into its folder, to what only root reads."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _journal(name: str) -> tuple[str, ...]:
    if name in _MAAS:
        tag = _MAAS[name][1]
        return ("-t", tag) if tag else ()
    return _UNITS.get(name, ())


def _last_in_journal(tools: Tools, name: str) -> float | None:
    """When the journal has the newest line of this log; None for none."""
    chosen = _journal(name)
    if not chosen or tools.place.root or not tools.has("journalctl"):
        return None
    said = tools.ask("journalctl", "-q", "--no-pager", "-n", "1", "-o", "short-unix", *chosen, timeout=20)
    found = re.match(r"(\d+\.\d+) ", said.out)
    return float(found.group(1)) if found else None


def _source(tools: Tools, name: str) -> tuple[str, str | None, float] | None:
    """(file or journal, path, newest): what has the newest words; old files stay when MAAS moves to the journal."""
    path = _file(tools, name)
    written = os.stat(path).st_mtime if path else None
    told = _last_in_journal(tools, name)
    if told is not None and (written is None or told > written + 1):
        return "journal", None, told
    return ("file", path, written) if path and written is not None else None


def logs(tools: Tools) -> dict[str, Any]:
    """Which logs there are."""
    found = []
    for name in [*_MAAS, *_SYSTEM, *_UNITS]:
        source = _source(tools, name)
        if source is None:
            continue
        kind, path, newest = source
        changed = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(newest))
        found.append(
            {"name": name, "source": kind, "size": os.stat(path).st_size if path else None, "changed": changed}
        )
    return {"logs": found}


def log(tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
    """The last lines that match.

    Raises:
        Refused: there is no such log here, or grep does not take the pattern or takes too long.
    """
    name = given["name"]
    if name not in _MAAS and name not in _SYSTEM and name not in _UNITS:
        known = ", ".join([*_MAAS, *_SYSTEM, *_UNITS])
        raise Refused("bad_request", "must be one of " + known, "arguments.name")
    source = _source(tools, name)
    if source is None:
        raise Refused("unavailable", f"there is no log {name} on this host")
    kind, path, _ = source
    since = None if given["since"] is None else time.time() - given["since"]
    if kind == "file":
        assert path is not None
        text, cut = _tail(path)
        lines: Iterable[str] = text.splitlines()
        if since is not None:
            lines = later(lines, since)
    else:
        words = ["-q", "--no-pager", "-o", "short-iso", "-n", "20000" if given["grep"] else str(given["lines"] + 1)]
        if since is not None:
            words.append("--since=@%d" % since)
        said = tools.ask("journalctl", *words, *_journal(name), timeout=60)
        lines, cut = said.out.splitlines(), False
    # Without secrets before anything is looked for: a search must not be able to guess at them.
    lines = [line[:_LINE] for line in lines]
    found = len(lines)
    if given["grep"] is not None:
        clean = matching(tools, without_secrets(lines), given["grep"], given["regex"])
        found = len(clean)
    else:
        clean = without_secrets(lines, given["lines"])
    kept = clean[-given["lines"] :]
    size = 0
    for index in range(len(kept) - 1, -1, -1):
        size += len(kept[index].encode("utf-8", "replace")) + 3
        if size > _ANSWER:
            kept, cut = kept[index + 1 :], True
            break
    return {"name": name, "source": kind, "lines": kept, "cut": cut or found > len(kept)}


def without_secrets(lines: list[str], last: int | None = None) -> list[str]:
    """The last lines, or all, as anybody may read them.

    Raises:
        Refused: there is too much to go through.
    """
    redaction = Redaction()
    begin = 0 if last is None else max(0, len(lines) - last)
    for line in lines[:begin]:
        redaction.skip(line)
    until = time.monotonic() + _CLEAN_TIME
    clean = []
    for line in lines[begin:]:
        clean.append(redaction.line(line))
        if time.monotonic() > until:
            raise Refused(
                "timeout", "there is too much to look through; ask for less of it, by its age", "arguments.since"
            )
    return clean


def _tail(path: str) -> tuple[str, bool]:
    # It may have become a link, or a pipe that never ends, since it was looked at.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Refused("unavailable", "this log is no file any more")
        size = os.fstat(stream.fileno()).st_size
        stream.seek(max(0, size - _TAIL))
        text = stream.read(_TAIL).decode("utf-8", "replace")
    if size > _TAIL:
        return text.partition("\n")[2], True
    return text, False


_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(Z| ?[+-]\d\d:?\d\d| UTC)?")
_OLD = re.compile(r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d{1,2}) (\d\d):(\d\d):(\d\d)")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def moment(line: str) -> float | None:
    """When a line was written, by its first words; times without a zone are the host's own."""
    found = _ISO.search(line[:60])
    try:
        if found:
            year, month, day, hour, minute, second = (int(one) for one in found.groups()[:6])
            zone = (found.group(7) or "").strip()
            if zone in ("Z", "UTC"):
                return float(calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)))
            if zone:
                sign = -1 if zone[0] == "-" else 1
                digits = zone[1:].replace(":", "")
                away = sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)
                return float(calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)) - away)
            return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
        found = _OLD.search(line[:40])
        if found:
            year = time.localtime().tm_year
            month = _MONTHS.index(found.group(1)) + 1
            day, hour, minute, second = (int(one) for one in found.groups()[1:])
            at = time.mktime((year, month, day, hour, minute, second, 0, 0, -1))
            # The old form has no year: what lies ahead was last year's.
            return (
                at if at < time.time() + 86_400 else time.mktime((year - 1, month, day, hour, minute, second, 0, 0, -1))
            )
    except (ValueError, OverflowError):
        pass
    return None


def later(lines: Iterable[str], since: float) -> list[str]:
    """The lines from then on; one without a time (of a traceback) goes with the one before."""
    found: list[str] = []
    inside = False
    for line in lines:
        at = moment(line)
        if at is not None:
            inside = at >= since
        if inside:
            found.append(line)
    return found


def matching(tools: Tools, lines: list[str], pattern: str, regex: bool) -> list[str]:
    """The lines that match, by grep: bounded in time and memory, the pattern one argument and never an option."""
    grep = tools.find("grep")
    if grep is None:
        raise Refused("unavailable", "grep is not installed")

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_GREP_MEMORY, _GREP_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(_GREP_TIME), int(_GREP_TIME)))

    try:
        ran = subprocess.run(
            [grep, "-a", "-E" if regex else "-F", "-e", pattern],
            input="\n".join(lines).encode("utf-8", "replace") + b"\n" if lines else b"",
            capture_output=True,
            env={"LC_ALL": "C.UTF-8", "PATH": tools.place.path},
            timeout=_GREP_TIME,
            preexec_fn=bound,  # this program has no other thread here
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused("timeout", "the pattern took too long; try a simpler one", "arguments.grep") from None
    if ran.returncode < 0 or ran.returncode > 1:
        words = ran.stderr.decode("utf-8", "replace").strip().rpartition("grep: ")[2][:100]
        raise Refused("bad_request", "grep does not take this pattern: " + (words or "too costly"), "arguments.grep")
    return ran.stdout.decode("utf-8", "replace").splitlines()
