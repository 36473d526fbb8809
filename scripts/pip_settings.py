"""Tells uv what the machine's pip is already told: which index to use, and which certificates to trust.

uv reads none of pip's settings, so on a machine set up for a mirror through pip.conf or PIP_INDEX_URL it
would otherwise ask the public index. Whatever uv is told itself wins.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping
from pathlib import Path

# pip's setting → uv's variable, and the variables that already settle the matter for uv.
_INDEX_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", ("UV_DEFAULT_INDEX", "UV_INDEX_URL")),
}
_FURTHER_INDEX_SETTINGS = {
    "extra-index-url": ("UV_INDEX", ("UV_INDEX", "UV_EXTRA_INDEX_URL")),
    "find-links": ("UV_FIND_LINKS", ("UV_FIND_LINKS",)),
}
_OTHER_SETTINGS = {
    "cert": ("SSL_CERT_FILE", ("SSL_CERT_FILE",)),
    "trusted-host": ("UV_INSECURE_HOST", ("UV_INSECURE_HOST",)),
    "proxy": ("ALL_PROXY", ("ALL_PROXY", "HTTPS_PROXY", "https_proxy", "all_proxy")),
    "timeout": ("UV_HTTP_TIMEOUT", ("UV_HTTP_TIMEOUT", "UV_REQUEST_TIMEOUT", "HTTP_TIMEOUT")),
}
_PIP_VARIABLES = {"timeout": "PIP_DEFAULT_TIMEOUT"}
SYSTEM_PIP_FILES = (Path("/Library/Application Support/pip/pip.conf"), Path("/etc/pip.conf"))
SYSTEM_UV_FILE = Path("/etc/uv/uv.toml")


def for_locking(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with pip's index and certificates added in uv's words, for choosing versions.

    Further indexes are left out: the lock must not depend on what one machine has beside its index.
    """
    return _told(environ, _OTHER_SETTINGS if _uv_has_a_file(environ) else _OTHER_SETTINGS | _INDEX_SETTINGS)


def for_installing(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with all that pip is told added in uv's words, for installing what is locked.

    With several indexes uv is asked to look in all of them, as pip does: safe here, because every package is
    installed by exact version and hash.
    """
    own_file = _uv_has_a_file(environ)
    told = _told(environ, _OTHER_SETTINGS if own_file else _OTHER_SETTINGS | _INDEX_SETTINGS | _FURTHER_INDEX_SETTINGS)
    told.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return told


def for_pip(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with uv's index and certificates added in pip's words, for installing uv itself."""
    told = dict(environ)
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("UV_INDEX_URL")
    if index and not environ.get("PIP_INDEX_URL"):
        named, separator, address = index.partition("=")
        told["PIP_INDEX_URL"] = address if separator and named.replace("-", "").isalnum() else index
    if environ.get("SSL_CERT_FILE") and not (environ.get("PIP_CERT") or environ.get("REQUESTS_CA_BUNDLE")):
        told["PIP_CERT"] = environ["SSL_CERT_FILE"]
    told.setdefault("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    return told


def _told(environ: Mapping[str, str], settings: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, str]:
    told = dict(environ)
    configured = _from_files(environ)
    for name, (variable, settled_by) in settings.items():
        value = environ.get(_PIP_VARIABLES.get(name, "PIP_" + name.upper().replace("-", "_")), configured.get(name))
        if value and not any(environ.get(other) for other in settled_by):
            told[variable] = (",".join if name == "find-links" else " ".join)(value.split())
    told.setdefault("UV_PYTHON_DOWNLOADS", "never")
    return told


def _from_files(environ: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings from its files: [install] goes before [global], then the nearest file wins."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _files(environ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (OSError, UnicodeDecodeError, configparser.Error) as error:
            print(f"{path} is left out, it can't be read: {type(error).__name__}", file=sys.stderr)
            continue
        for section, values in found.items():
            if parser.has_section(section):
                values.update({key.replace("_", "-"): value for key, value in parser.items(section)})
    return found["global"] | found["install"]


def _files(environ: Mapping[str, str]) -> list[Path]:
    """Return the files that pip reads, the least specific first (pip's manual, "Configuration")."""
    named = environ.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files = [Path(folder) / "pip/pip.conf" for folder in reversed(shared.split(os.pathsep)) if folder]
    files += [*SYSTEM_PIP_FILES, home / ".pip/pip.conf", home / "Library/Application Support/pip/pip.conf"]
    files += [Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip/pip.conf"]
    return files + ([Path(named)] if named else [])


def _uv_has_a_file(environ: Mapping[str, str]) -> bool:
    home = Path(environ.get("HOME") or Path.home())
    own = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "uv/uv.toml"
    return bool(environ.get("UV_CONFIG_FILE")) or own.exists() or SYSTEM_UV_FILE.exists()
