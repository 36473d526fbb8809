"""The audit as JSON lines outside the database: in a file, or on standard output.

Both remember how far they got, so that what a crash cut off is caught up with. A mirror never holds anybody up: it is
written by a task of its own, after the commit, and what it can't take now it gets later.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from bot.audit.chain import Head
from bot.audit.record import Record

_BLOCK = 64 * 1024
#: What a pipe that is ready takes at once, whatever its reader does (POSIX: at least 512; Linux: 4096).
_PIPE = 4096


class MirrorError(Exception):
    """The mirror takes nothing now. `reason` is fit for a person's eyes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MirrorBusyError(MirrorError):
    """Another bot writes this file; this one takes over when it ends."""


class Mirror(Protocol):
    """Where the lines go. All methods block, for a short while: call them in a thread. All raise MirrorError."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def end(self) -> Head | None:
        """The last record that it holds in full; None when it holds none. Changes nothing."""

    def open(self) -> Head | None:
        """Make ready to write after the last record that it holds in full, which is returned."""

    def write(self, records: Sequence[Record]) -> None:
        """Write lines: all of them, or it can tell afterwards how many."""

    def check(self) -> None:
        """Raise MirrorError if it could not be written. Changes nothing, and does not mind another bot's writing."""

    def close(self) -> None:
        """Let go; `open` begins anew."""


class FileMirror:
    """A file that only grows. Its last line says how far it got; a file that was moved away is begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def name(self) -> str:
        return str(self._path)

    def end(self) -> Head | None:
        """The last whole line. A line that a crash cut off does not count."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._trouble(error) from None
        try:
            return self._last(file)[0]
        finally:
            os.close(file)

    def open(self) -> Head | None:
        """Open or make it, take its lock, and cut off what a crash left of a line."""
        self.close()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            head, size = self._last(self._file)
            if os.fstat(self._file).st_size > size:
                os.ftruncate(self._file, size)
        except BlockingIOError:
            self.close()
            raise MirrorBusyError(f"another bot writes {self._path}") from None
        except OSError as error:
            self.close()
            raise self._trouble(error) from None
        except MirrorError:
            self.close()
            raise
        return head

    def write(self, records: Sequence[Record]) -> None:
        """Append and sync. On an error the file is put back to the last whole line, and closed."""
        if self._file is None or self._moved():
            self.open()
        assert self._file is not None
        size = os.fstat(self._file).st_size
        data = "".join(f"{record.line()}\n" for record in records).encode()
        try:
            while data:
                data = data[os.write(self._file, data) :]
            os.fdatasync(self._file)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._file, size)
            self.close()
            raise self._trouble(error) from None

    def check(self) -> None:
        self.end()
        there = self._path if self._path.exists() else self._path.parent
        if not there.exists():
            raise MirrorError(f"{there} is not there")
        if not os.access(there, os.W_OK):
            raise MirrorError(f"{there} can't be written by this user")
        if shutil.disk_usage(there).free < _BLOCK:
            raise MirrorError(f"the disk of {self._path} is full")

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _moved(self) -> bool:
        assert self._file is not None
        try:
            there, ours = self._path.stat(), os.fstat(self._file)
        except OSError:
            return True
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _last(self, file: int) -> tuple[Head | None, int]:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise MirrorError(f"{self._path} is no file; '-' means standard output")
        line, size = _last_line(file, status.st_size)
        if line is None:
            return None, size
        try:
            record = Record.from_line(line)
        except ValueError:
            raise MirrorError(f"the last line of {self._path} is no audit record; move the file away") from None
        return Head(record.seq, record.hash), size

    def _trouble(self, error: OSError) -> MirrorError:
        return MirrorError(f"{self._path} can't be written ({error.strerror})")


class StreamMirror:
    """Standard output, or whatever a descriptor leads to. How far it got is kept in the small file `mark`."""

    def __init__(self, descriptor: int, mark: Path) -> None:
        self._descriptor = descriptor
        self._mark = mark
        self._rest = b""
        self._at: Head | None = None

    @property
    def name(self) -> str:
        return "standard output"

    def end(self) -> Head | None:
        """What the mark says. It may lag after a crash: a line is then written twice rather than never."""
        if self._at is not None:
            return self._at
        try:
            said = json.loads(self._mark.read_text(encoding="ascii"))
            return Head(int(said["seq"]), str(said["hash"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            raise MirrorError(f"{self._mark} can't be read; without it all records are written again") from None

    def open(self) -> Head | None:
        return self.end()

    def write(self, records: Sequence[Record]) -> None:
        """Write as much as the reader takes without waiting; a line that is begun is finished at the next call."""
        try:
            for record in records:
                self._send(f"{record.line()}\n".encode())
                self._at = Head(record.seq, record.hash)
        finally:
            self._remember()

    def check(self) -> None:
        self.end()

    def close(self) -> None:
        pass

    def _send(self, line: bytes) -> None:
        # After an error the same record comes again: its line goes on where it stopped.
        data = line if not self._rest else self._rest if line.endswith(self._rest) else b"\n" + line
        try:
            while data:
                if not select.select([], [self._descriptor], [], 0.2)[1]:
                    raise MirrorError("nobody reads standard output")
                data = data[os.write(self._descriptor, data[:_PIPE]) :]
                self._rest = data if len(data) < len(line) else b""
        except OSError as error:
            raise MirrorError(f"standard output can't be written ({error.strerror})") from None

    def _remember(self) -> None:
        if self._at is None:
            return
        beside = self._mark.with_suffix(".new")
        # A full disk must not make lines come twice while the bot runs: it knows by itself how far it is.
        with suppress(OSError):
            beside.write_text(json.dumps({"seq": self._at.seq, "hash": self._at.hash}), encoding="ascii")
            beside.replace(self._mark)


def mirror_for(where: str | None, state: Path) -> FileMirror | StreamMirror | None:
    """The mirror that MAASBOT_AUDIT_FILE asks for: a path, `-` for standard output, or none."""
    if not where:
        return None
    return StreamMirror(1, state / "audit-mirror.json") if where == "-" else FileMirror(Path(where))


def _last_line(file: int, size: int) -> tuple[bytes | None, int]:
    """The last line that ends with a newline, and where it ends; None when there is none."""
    tail, at = b"", size
    while at > 0:
        step = min(_BLOCK, at)
        at -= step
        tail = os.pread(file, step, at) + tail
        end = tail.rfind(b"\n")
        begin = tail.rfind(b"\n", 0, end) if end >= 0 else -1
        if end >= 0 and (begin >= 0 or at == 0):
            return tail[begin + 1 : end], at + end + 1
    return None, 0
