"""Logs: one JSON object a line on standard error, the libraries' lines as well, and no secret in any."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import logging, sys
from bot.telemetry import set_up_logging
set_up_logging("info", "json", ["hunter2-of-the-database"])
from dbos import DBOS
DBOS(config={"name": "maasbot", "system_database_url": f"sqlite:///{sys.argv[1]}/engine.sqlite", "log_level": "ERROR"})
for name in ("dbos", "slack_sdk.web", "asyncio"):
    logging.getLogger(name).error("no connection with hunter2-of-the-database")
"""


def test_what_libraries_log_is_json_and_without_secrets(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "" and "hunter2" not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    said = [line["logger"] for line in lines if line["event"].startswith("no connection with")]
    assert said == ["dbos", "slack_sdk.web", "asyncio"]
