"""Finds uv, or installs it beside the project's environment by whatever the machine has."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pip_settings

OLDEST_UV = (0, 9)
UV_REQUIREMENT = "uv>=0.9,<1"


class NoUvError(Exception):
    """uv is neither there nor to be had; the message says what to install."""


def find_or_install(tools: Path) -> str:
    """Return the path of a uv that can read the lock, installing it into the folder `tools` if there is none.

    Raises NoUvError when nothing on the machine can install it.
    """
    own = tools / "bin/uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and _new_enough(candidate):
            return candidate
    shutil.rmtree(tools, ignore_errors=True)
    for prepare in (_by_venv, _by_virtualenv, _by_pip):
        if prepare(tools) and _new_enough(str(own)):
            return str(own)
    raise NoUvError(
        f"uv can't be installed with {sys.executable}. Install one of: uv, python3-venv, python3-virtualenv, "
        "python3-pip (Debian: apt install python3-venv). If one of them is there, the cause stands above."
    )


def _new_enough(uv: str) -> bool:
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    found = re.match(r"uv (\d+)\.(\d+)\.", answer.stdout)
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST_UV


def _by_venv(tools: Path) -> bool:
    return _can_import("ensurepip") and _venv_with_uv([sys.executable, "-m", "venv", str(tools)], tools)


def _by_virtualenv(tools: Path) -> bool:
    command = [sys.executable, "-m", "virtualenv", "--quiet", "--no-download", str(tools)]
    return _can_import("virtualenv") and _venv_with_uv(command, tools)


def _by_pip(tools: Path) -> bool:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tools), UV_REQUIREMENT]
    return _can_import("pip") and _ran(command)


def _venv_with_uv(make: list[str], tools: Path) -> bool:
    install = [str(tools / "bin/python"), "-m", "pip", "install", "--quiet", UV_REQUIREMENT]
    return _ran(make) and _ran(install)


def _can_import(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _ran(command: list[str]) -> bool:
    return subprocess.run(command, env=pip_settings.for_pip(os.environ), check=False).returncode == 0
