"""What people read about the host, word by word: `UPDATE_GOLDEN=1` writes the files anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.host.world import hosted, the_host
from tests.kinds.steps import said
from tests.support.harness import ADAM

_GOLDEN = Path(__file__).parent / "golden"


def golden(name: str, text: str) -> None:
    """Compare with the file of that name, ids, ports and times apart."""
    text = re.sub(r"op-[a-z0-9]{4}\b", "op-xxxx", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:5240", text)
    text = re.sub(r"\s+", " ", text).strip() + "\n"
    text = re.sub(r"(?<=[.:?)]) (?=[A-Z])", "\n", text)
    path = _GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


async def test_plans_and_looks(tmp_path: Path) -> None:
    async with hosted(tmp_path) as it:
        faults = the_host(it).faults
        golden("reset", said(await it.talk.ask("reset")))
        golden("reset-keep", said(await it.talk.ask("reset --keep-database --no-backup")))
        golden("restart", said(await it.talk.ask("host restart")))
        golden("upgrade", said(await it.talk.ask("upgrade --channel 3.7/stable")))
        golden("status", said(await it.talk.ask("host status")))
        faults.set("service-dead", service="rackd")
        golden("status-dead", said(await it.talk.ask("host status")))
        for name in ("clock", "disk-full", "mirror-tcp", "helper-changed"):
            faults.set(name)
        golden("check", said(await it.talk.ask("host check", user=ADAM)))
        await the_host(it).bare()
        faults.clear()
        golden("install-test", said(await it.talk.ask("install")))
        golden("install-production", said(await it.talk.ask("install --database production --wide --admin olga")))
        golden("status-bare", said(await it.talk.ask("host status")))
