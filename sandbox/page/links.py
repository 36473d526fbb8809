"""Which addresses from messages may become links."""

from __future__ import annotations

from urllib.parse import urlsplit

_LINK_SCHEMES = frozenset({"http", "https", "mailto"})
_IMAGE_SCHEMES = frozenset({"http", "https"})


def safe_link(url: object) -> str | None:
    """The address if a browser may follow it (http, https, mailto), else None."""
    return _with_scheme(url, _LINK_SCHEMES)


def safe_image(url: object) -> str | None:
    """The address if a browser may load it as a picture (http, https, or a path here), else None."""
    if isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
        return url
    return _with_scheme(url, _IMAGE_SCHEMES)


def _with_scheme(url: object, schemes: frozenset[str]) -> str | None:
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme.lower() in schemes else None
