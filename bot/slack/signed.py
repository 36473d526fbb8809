"""Whether a request is Slack's: its signature, and that it is of now.

Bolt checks this as well, but it reads the body before, fails on a time stamp that is no number, and logs the whole body
of whoever is refused. So the check stands in front of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

#: Seconds that a request may be old, or ahead of us.
_PATIENCE = 300


def is_from_slack(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether `body` was signed with `secret` within the last five minutes. Never raises, whatever is sent."""
    stamp = headers.get("X-Slack-Request-Timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > _PATIENCE:
        return False
    right = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    given = headers.get("X-Slack-Signature", "").encode(errors="replace")
    return hmac.compare_digest(f"v0={right}".encode(), given)
