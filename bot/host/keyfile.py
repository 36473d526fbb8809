"""The file in which the bot keeps the API key that it had made for itself: the bot's user may read it, nobody else."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr


def write_secret(path: Path, secret: SecretStr) -> None:
    """Write a secret so that a crash leaves the old file or the new one, and nobody else can ever read either.

    Raises:
        OSError: the folder or the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret.get_secret_value() + "\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
