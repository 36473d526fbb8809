"""No secret that is used reaches a channel, a log, the audit, the bot's database, or the command line on the host."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from sandbox.host.server import PROGRAM
from tests.host.world import ask_privately, carried_out, hosted, the_host
from tests.support.harness import ADAM, OLGA, Running

#: The files that secrets belong into, all of them closed to others.
KEPT = ("region-default.key", "id_maasbot")


async def test_secrets_stay_where_they_belong(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with hosted(tmp_path, bare=True) as it:
        host = the_host(it)
        host.faults.set("step-fails", step="maas-init", cause="failed", count=1)
        await carried_out(it, "install --database production", "MAAS initialised failed")
        operation = (await it.bot.operations.recent())[0]
        await carried_out(it, f"retry {operation.id}", "Installed the host")
        operation = (await it.bot.operations.recent())[0]
        shown = await ask_privately(it, f"admin password {operation.id}", OLGA)
        await carried_out(it, "admin create olga", "Made an administrator on the host")
        key = await ask_privately(it, "apikey admin", ADAM)
        await it.talk.ask("logs regiond --lines 100")
        await it.talk.ask("db list")
        await it.talk.ask("audit")
        await carried_out(it, "backup", "Backed up the host")
        secrets = set(host.helper.secrets)
        secrets |= {part for secret in secrets for part in secret.split(":") if len(part) > 8}
        assert len([one for one in secrets if ":" in one]) == 1
        assert len([one for one in host.helper.secrets if ":" not in one]) >= 4
        assert sum(one in shown for one in secrets) == 1
        assert any(one in key for one in secrets)

        assert not found_in(json.dumps(everything_said(it)), secrets)
        private = json.dumps(everything_said(it, private=True))
        assert len(found_in(private, host.helper.secrets)) == 2, "each was shown to one person"
        assert set(host.commands) == {PROGRAM}
        jobs = json.dumps([one.dump() for one in host.helper.table.jobs.values()])
        assert not found_in(jobs, secrets)
        assert not found_in(caplog.text, secrets)
        assert all(("stdin" not in record.getMessage()) for record in caplog.records)
    for path in tmp_path.rglob("*"):
        if not path.is_file() or path.name == "maas.json":
            continue
        if path.name in KEPT:
            assert path.stat().st_mode & 0o077 == 0, path
            continue
        content = path.read_bytes()
        assert not [one for one in secrets if one.encode() in content], path


def everything_said(it: Running, *, private: bool = False) -> list[Any]:
    """All messages of all channels and threads; those for one person's eyes only with `private`."""
    found: dict[str, Any] = {}
    for channel in ("C0OPS", "C0APPROVE", "C0RANDOM"):
        for user in ("U0OLGA", "U0ANDREA", "U0ADAM", "U0VICTOR"):
            try:
                roots = it.world.workspace.messages(channel, user)
            except (KeyError, ValueError):
                continue
            for root in roots:
                for one in [root, *it.world.workspace.messages(channel, user, root.ts)]:
                    if (one.ephemeral_to is not None) == private:
                        found[one.ts] = [one.text, one.blocks]
    return list(found.values())


def found_in(text: str, secrets: set[str]) -> list[str]:
    return [one for one in secrets if one in text]
