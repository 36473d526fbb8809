"""Forms with files, as a region takes them: MAAS ignores a keyring that does not come as a file."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping


def multipart_form(fields: Iterable[tuple[str, str]], files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The content type and the body of a form. Field names are ours, never a person's."""
    boundary = secrets.token_hex(16)
    parts = [_part(boundary, f'name="{name}"', "text/plain; charset=utf-8", value.encode()) for name, value in fields]
    parts += [
        _part(boundary, f'name="{name}"; filename="{name}"', "application/octet-stream", content)
        for name, content in files.items()
    ]
    return f"multipart/form-data; boundary={boundary}", b"".join(parts) + f"--{boundary}--\r\n".encode()


def _part(boundary: str, disposition: str, content_type: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {content_type}\r\n\r\n"
    return head.encode() + content + b"\r\n"
