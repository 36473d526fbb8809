"""Small files in the state directory: written whole or not at all, and off the event loop."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import structlog


async def read_json(path: Path) -> Any:
    """The document in `path`; None when there is none or it can't be read."""
    data = await read_bytes(path)
    try:
        return None if data is None else json.loads(data)
    except ValueError:
        structlog.get_logger(__name__).warning("state_file_unreadable", file=path.name)
        return None


async def read_bytes(path: Path) -> bytes | None:
    """The contents of `path`; None when it is missing or can't be read."""
    try:
        return await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        return None
    except OSError as error:
        structlog.get_logger(__name__).warning("state_file_unreadable", file=path.name, error=error.strerror)
        return None


async def write_json(path: Path, data: bytes) -> bool:
    """Replace `path` by `data` in one step; False when the disk refuses, which is logged and never raised."""
    try:
        await asyncio.to_thread(_replace, path, data)
    except OSError as error:
        structlog.get_logger(__name__).warning("state_file_not_written", file=path.name, error=error.strerror)
        return False
    return True


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
