"""What all of the helper stands on: its version, where things are on a host, and its two ways to say no."""

from __future__ import annotations

import os
from typing import Any

VERSION = "1.2.0"
SPEAKS = (1,)
MAX_REQUEST = 65_536
MAX_LOG = 262_144


class Refused(Exception):  # noqa: N818 - it reads as what it says
    """A request that is not done at all. Nothing was changed."""

    def __init__(self, code: str, message: str, field: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.more = more

    def told(self) -> dict[str, Any]:
        fault: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.field is not None:
            fault["field"] = self.field
        fault.update(self.more)
        return fault


class Stopped(Exception):  # noqa: N818 - it reads as what it says
    """A step that can't go on, and why; what it left is told by the next look."""

    def __init__(self, cause: str, message: str, remedy: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.cause = cause
        self.message = message
        self.remedy = remedy
        self.facts = facts


class Place:
    """Where things are. On a host `root` is empty; the stand-in host has a folder of its own, and no root's rights."""

    def __init__(
        self,
        root: str = "",
        path: str = "/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin",
        helper: tuple[str, ...] = ("/usr/local/libexec/maasbot/step",),
        become: bool = True,
        environ: dict[str, str] | None = None,
        api_port: int = 5240,
    ) -> None:
        self.root = root
        self.path = path
        self.helper = helper
        self.become = become
        self.environ = environ or {}
        self.api_port = api_port

    def at(self, path: str) -> str:
        """A path of the host, as this process has to say it."""
        return self.root + path

    @property
    def jobs(self) -> str:
        return self.at("/var/lib/maasbot/jobs")

    @property
    def run(self) -> str:
        return self.at("/run/maasbot")

    @property
    def backups(self) -> str:
        return self.at("/var/backups/maasbot")

    @property
    def systemd(self) -> bool:
        return not self.root and os.path.isdir("/run/systemd/system")


def look(state: str, found: str, **more: Any) -> dict[str, Any]:
    """A look at a step's matter; `state` is done, todo or blocked."""
    return {"state": state, "found": found, **more}


def done(found: str, **more: Any) -> dict[str, Any]:
    return look("done", found, **more)


def todo(found: str, will: str, **more: Any) -> dict[str, Any]:
    return look("todo", found, will=will, **more)


def blocked(cause: str, found: str, remedy: str = "", **more: Any) -> dict[str, Any]:
    return look("blocked", found, cause=cause, remedy=remedy, **more)
