"""Takes secrets out of text: those that are known, and what has the form of one."""

from __future__ import annotations

import re
from typing import Any, Iterable
from urllib.parse import quote

HIDDEN = "[hidden]"

_FORMS = (
    # user:password@ in any address
    (re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]{0,15}://[^\s:/@]{0,128}:)[^\s@/]{1,256}(@)"), r"\1" + HIDDEN + r"\2"),
    # MAAS's API keys
    (re.compile(r"\b[A-Za-z0-9]{18}:[A-Za-z0-9]{18}:[A-Za-z0-9]{32}\b"), HIDDEN),
    # CREATE USER … PASSWORD 'x', which PostgreSQL logs when it fails
    (re.compile(r"(?i)(\bpassword\s+)(E?'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)"), r"\1" + HIDDEN),
    (re.compile(r"(?i)(\bauthorization\b[\"']?\s*[:=]\s*).*"), r"\1" + HIDDEN),
    (re.compile(r"(?i)(\boauth_[a-z_]+=)(\"[^\"]*\"|[^\s,&]+)"), r"\1" + HIDDEN),
    (
        re.compile(
            r"(?i)((?:passw(?:or)?d|passphrase|password|_pass|secret|token|api[_-]?key|credentials?)"
            r"[\"']?\s*[:=]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&}]+)"
        ),
        r"\1" + HIDDEN,
    ),
)
#: ipmitool … -P password
_IPMI = re.compile(r"(\s-P\s+)\S+")
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_KEY_END = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")


class Redaction:
    """Keeps what it is told, in the forms that it may appear in. One for each stream: a private key spans lines."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: set[str] = set()
        for secret in secrets:
            forms.update((secret, quote(secret), quote(secret, safe=""), secret.replace("'", "''")))
        self._known = sorted((one for one in forms if one), key=len, reverse=True)
        self._in_key = False

    def line(self, text: str) -> str:
        """One line without secrets."""
        for one in self._known:
            text = text.replace(one, HIDDEN)
        if self._in_key or _KEY_BEGIN.search(text):
            self._in_key = not _KEY_END.search(text)
            return HIDDEN
        # Anybody may write into a log: each form takes time in proportion to the line, whatever is in it.
        for pattern, instead in _FORMS:
            text = pattern.sub(instead, text)
        return _IPMI.sub(r"\1" + HIDDEN, text) if "ipmi" in text else text

    def skip(self, text: str) -> None:
        """Pass over a line that nobody will see; what is left of a private key after it stays hidden."""
        if self._in_key or _KEY_BEGIN.search(text):
            self._in_key = not _KEY_END.search(text)

    def text(self, text: str) -> str:
        return "\n".join(self.line(one) for one in text.split("\n"))

    def tree(self, value: Any) -> Any:
        """The same with every text in it without secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self.tree(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.tree(one) for one in value]
        return value
