"""Runs the host's programs: a list of arguments each, no shell, a time limit, and what they say without secrets."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections import deque
from typing import IO, Any, Callable, Sequence

from bot.host.helper.base import Place, Stopped
from bot.host.helper.redaction import Redaction

#: What is kept of a program's words: the last of them, which tell how it ended.
_KEPT = 2_000_000
#: More than this is no program at work, but one that asks for ever.
_FLOOD_OF_WORDS = 100_000_000


class Said:
    """How a program ended: `rc` (negative: a signal; 127: not there), what it wrote, and whether it was stopped."""

    def __init__(self, rc: int, out: str, late: bool = False, flood: bool = False) -> None:
        self.rc = rc
        self.out = out
        self.late = late
        self.flood = flood

    @property
    def last(self) -> str:
        """The last words: a few lines, for a message."""
        lines = [one.strip() for one in self.out.splitlines() if one.strip()]
        return " / ".join(lines[-3:])[-600:]


class Tools:
    """What steps and queries work with: the place, its programs, the secrets, and where to tell how it goes."""

    def __init__(
        self,
        place: Place,
        secrets: dict[str, str] | None = None,
        log: Callable[[str], None] | None = None,
        progress: Callable[[str, int | None], None] | None = None,
        job: str = "",
    ) -> None:
        self.place = place
        self.secrets = secrets or {}
        self.job = job
        self._log = log or (lambda _: None)
        self._progress = progress or (lambda _text, _percent: None)
        self._known = list(self.secrets.values())
        self.redaction = Redaction(self._known)
        self._answers: dict[tuple[tuple[str, ...], bytes, str], Said] = {}

    def hide(self, secret: str) -> None:
        """Keep one more secret out of all that is told from here on.

        A short plain word (the old notes' `maas`) would take itself out of every sentence; where it stands as a
        password, its form gives it away.
        """
        if (len(secret) >= 6 or not secret.isalnum()) and secret not in self._known:
            self._known.append(secret)
            self.redaction = Redaction(self._known)

    def note(self, text: str) -> None:
        """Write a line of our own to the job's log."""
        self._log(self.redaction.line(text))

    def at_work(self, text: str, percent: int | None = None) -> None:
        """Say what is being done just now."""
        self._progress(self.redaction.line(text), percent)

    def sleep(self, seconds: float) -> None:
        """Wait; what was found before may be otherwise afterwards."""
        time.sleep(seconds)
        self.forget()

    def forget(self, but: str = "") -> None:
        """Let the next questions be asked anew, other than those to one program."""
        self._answers = {asked: said for asked, said in self._answers.items() if asked[0][0] == but}

    def has(self, program: str) -> bool:
        return self.find(program) is not None

    def find(self, program: str) -> str | None:
        """The program's whole path, looked for in the fixed path alone."""
        for folder in self.place.path.split(":"):
            candidate = os.path.join(folder, program)
            if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return candidate
        return None

    def ask(self, *argv: str, stdin: bytes = b"", timeout: float = 30.0, user: str = "") -> Said:
        """Run a program whose output is for us, not for the log; standard error comes with it."""
        return self._run(argv, stdin, timeout, user, None)

    def ask_once(self, *argv: str, stdin: bytes = b"", timeout: float = 30.0, user: str = "") -> Said:
        """The same, answered from memory until something is done or waited for: `maas config` takes 2 to 6 s."""
        asked = (argv, stdin, user)
        if asked not in self._answers:
            self._answers[asked] = self.ask(*argv, stdin=stdin, timeout=timeout, user=user)
        return self._answers[asked]

    def do(
        self,
        *argv: str,
        stdin: bytes = b"",
        timeout: float = 3000.0,
        user: str = "",
        status: Callable[[str], None] | None = None,
        flood: int = _FLOOD_OF_WORDS,
    ) -> Said:
        """Run a program that changes something: its output goes to the log. `status` gets the lines of apt's status."""
        self.note("$ " + " ".join(argv))
        said = self._run(argv, stdin, timeout, user, self.note, status, flood)
        self.forget()
        if said.late:
            self.note("(stopped after %d s)" % timeout)
        elif said.rc:
            self.note("(exit status %d)" % said.rc)
        return said

    def environ(self) -> dict[str, str]:
        return {
            "PATH": self.place.path,
            "LC_ALL": "C.UTF-8",
            "LANG": "C.UTF-8",
            "HOME": self.place.at("/root"),
            "DEBIAN_FRONTEND": "noninteractive",
            "DEBCONF_NONINTERACTIVE_SEEN": "true",
            "APT_LISTCHANGES_FRONTEND": "none",
            "NEEDRESTART_MODE": "l",
            "NEEDRESTART_SUSPEND": "1",
            **self.place.environ,
        }

    def start(self, argv: Sequence[str], user: str = "", **streams: Any) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, so that it can be ended with all its children.

        Raises:
            FileNotFoundError: it is not on the fixed path.
        """
        found = self.find(argv[0]) if "/" not in argv[0] else argv[0]
        if found is None:
            raise FileNotFoundError(argv[0])
        line = [found, *argv[1:]]
        if user and self.place.become:
            line = [self.find("runuser") or "/sbin/runuser", "-u", user, "--", *line]
        return subprocess.Popen(line, env=self.environ(), cwd=self.place.at("/"), start_new_session=True, **streams)

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """End a program and its children: asked first, then made to."""
        for name in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, name)
            except (ProcessLookupError, PermissionError):
                break
            try:
                process.wait(3)
                break
            except subprocess.TimeoutExpired:
                continue
        process.wait()

    def _run(
        self,
        argv: Sequence[str],
        stdin: bytes,
        timeout: float,
        user: str,
        tell: Callable[[str], None] | None,
        status: Callable[[str], None] | None = None,
        flood: int = _FLOOD_OF_WORDS,
    ) -> Said:
        status_read = status_write = -1
        passed: tuple[int, ...] = ()
        if status is not None:
            status_read, status_write = os.pipe()
            passed = (status_write,)
            argv = [argv[0], "-o", "APT::Status-Fd=%d" % status_write, *argv[1:]]
        try:
            process = self.start(
                argv,
                user,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=passed,
            )
        except FileNotFoundError:
            for one in passed:
                os.close(one)
            if status_read >= 0:
                os.close(status_read)
            return Said(127, argv[0] + ": command not found")
        assert process.stdin is not None
        assert process.stdout is not None
        reader = _Reader(process.stdout, tell, flood, lambda: self.end(process))
        threads = [threading.Thread(target=reader.run, daemon=True)]
        if status is not None:
            os.close(status_write)
            threads.append(threading.Thread(target=_lines, args=(status_read, status), daemon=True))
        for thread in threads:
            thread.start()
        # Small enough for the pipe, and from a thread of its own, should the program not read it.
        feeder = threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
        feeder.start()
        late = False
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            late = True
            self.end(process)
        except BaseException:
            # The job is being stopped: nothing that it started is to stay behind.
            self.end(process)
            raise
        for thread in threads:
            # A daemon that it started may hold the pipe open: what it said so far is enough.
            thread.join(3)
        return Said(process.returncode, reader.text(), late, reader.flooded)


class _Reader:
    """Takes in what a program says, line by line, and ends it when it says far too much (prompts at end of input)."""

    def __init__(
        self, stream: IO[bytes], tell: Callable[[str], None] | None, flood: int, end: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._tell = tell
        self._flood = flood
        self._end = end
        self._kept: deque[bytes] = deque()
        self._held = 0
        self._size = 0
        self.flooded = False

    def run(self) -> None:
        rest = b""
        while True:
            # At most one chunk is pending, so a line without an end does not fill the memory.
            data = self._stream.read1(65_536)  # type: ignore[attr-defined]
            if not data:
                break
            self._size += len(data)
            if self._size > self._flood:
                self.flooded = True
                self._end()
                break
            self._kept.append(data)
            self._held += len(data)
            while self._held > _KEPT and len(self._kept) > 1:
                self._held -= len(self._kept.popleft())
            if self._tell is not None:
                *lines, rest = re.split(rb"[\r\n]+", rest + data)
                for line in lines:
                    self._tell(line.decode("utf-8", "replace")[:2000])
        if rest and self._tell is not None:
            self._tell(rest.decode("utf-8", "replace")[:2000])

    def text(self) -> str:
        return b"".join(self._kept).decode("utf-8", "replace")


def _feed(stream: IO[bytes], data: bytes) -> None:
    try:
        stream.write(data)
        stream.close()
    except (BrokenPipeError, OSError):
        pass


def _lines(descriptor: int, tell: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, "rb") as stream:
        for line in stream:
            tell(line.decode("utf-8", "replace").rstrip("\n"))


def must(said: Said, what: str, cause: str = "failed", remedy: str = "") -> Said:
    """The same, or Stopped when the program failed."""
    if said.late:
        raise Stopped("timeout", what + " took too long and was stopped", remedy)
    if said.rc:
        raise Stopped(cause, "{} failed: {}".format(what, said.last or "exit status %d" % said.rc), remedy)
    return said
