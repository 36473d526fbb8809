"""Programs that tests can't do without: where one is missing, the test skips, or fails if all are required.

`MAASBOT_TEST_REQUIRE_ALL=1` says that this machine is meant to have everything: nothing goes untested unseen.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

import pytest

REQUIRE_ALL = "MAASBOT_TEST_REQUIRE_ALL"


def all_required(environ: Mapping[str, str] | None = None) -> bool:
    """Return whether a missing program is a failure here rather than a reason to skip."""
    return (os.environ if environ is None else environ).get(REQUIRE_ALL, "") not in ("", "0")


def require_program(*names: str, package: str, folders: Iterable[str] = ()) -> Path:
    """Return the path of the first program of these names, on PATH or in one of `folders`.

    `folders` are patterns; of several matches the last by name is taken, so the newest. `package`
    is the Debian package that has the program, for the person who reads why a test was skipped.
    """
    for name in names:
        if found := shutil.which(name) or _in_folders(name, folders):
            return Path(found)
    return missing(f"needs {' or '.join(names)} (Debian: apt install {package})")


def require_chromium() -> Path:
    """Return Chromium, for the tests that click."""
    return require_program("chromium", "chromium-browser", "google-chrome", package="chromium")


def require_sshd() -> Path:
    """Return OpenSSH's server; it is called by its whole path, as it insists on."""
    return require_program("sshd", package="openssh-server", folders=("/usr/sbin", "/usr/local/sbin"))


def require_postgresql(program: str = "initdb") -> Path:
    """Return one of PostgreSQL's server programs, which Debian keeps off PATH."""
    return require_program(program, package="postgresql", folders=("/usr/lib/postgresql/*/bin",))


def missing(reason: str) -> NoReturn:
    """Skip the test for this reason, or fail it where everything is required."""
    if all_required():
        pytest.fail(f"{reason}; {REQUIRE_ALL} is set", pytrace=False)
    pytest.skip(reason)


def _in_folders(name: str, folders: Iterable[str]) -> str | None:
    found = [path for pattern in folders for path in sorted(glob.glob(f"{pattern}/{name}"))]  # noqa: PTH207
    return found[-1] if found else None
