"""A fleet's history from before a test's bot ran."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path


def remember(state: Path, days: int) -> None:
    """Write down states every six hours, as a bot that ran all those days would have."""
    [file] = state.rglob("maasbot.sqlite")
    moment = int(time.time() // 900 * 900)
    with sqlite3.connect(file, timeout=5) as connection:
        for at in range(1, 4 * days + 1):
            counts = json.dumps({"Ready": 2 + at % 3, "Deployed": 5, "Failed testing": 1, "Broken": 1})
            connection.execute("INSERT INTO fleet_states VALUES ('default', ?, ?)", (moment - at * 21600, counts))
