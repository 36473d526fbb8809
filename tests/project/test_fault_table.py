"""docs/host-faults.md names the words and the tests of each fault: the words are in the code, the tests are there."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.project.places import ROOT
from tests.project.test_security_table import functions

#: What has to be in the table, whatever else is: what went wrong with real hosts.
FAULTS = {
    "connect": "refused, no route, no dns, silent, not ssh, key or user refused, too many keys, host key changed,"
    " host key unknown, maxsessions, banner",
    "transport": "drop in mid-output, exit status none, exit-signal, keepalives, utf-8, slow, stall",
    "sudo": "none, password, no terminal, wrong password three times",
    "snap": "(10), removed while, store down, 503, no such snap, no such channel, download cut, disk full, snapd down,"
    " hangs, asked again",
    "apt": "dpkg's lock, lists' lock, mirror down, half installed, debconf, disk full, other databases",
    "postgresql": "cluster failed, role or database is there, somebody else's, pg_hba.conf, in use, wrong password",
    "maas": "asks for ever, failed init, half migrated, status 3, 255, port 5240 late, administrator, rejected,"
    " malformed, empty",
    "host": "power-off in each step, session terminated, second bot, kill -9 of the bot before and after",
}


@cache
def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "host-faults.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what goes")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@cache
def words() -> str:
    """All text of the code, as it is said: literals that go over two lines are one."""
    found = [path.read_text(encoding="utf-8") for place in ("bot", "commands") for path in (ROOT / place).rglob("*.py")]
    return re.sub(r'"\s*\n\s*f?"', "", "\n".join(found))


@pytest.mark.parametrize(
    ("group", "fault"), [(group, one.strip()) for group, all_ in FAULTS.items() for one in all_.split(",")]
)
def test_no_fault_is_left_out(group: str, fault: str) -> None:
    assert any(what.lower().startswith(f"{group}:") and fault in what.lower() for what, _, _ in rows())


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_what_is_read_is_what_the_bot_says(row: list[str]) -> None:
    said = re.fullmatch(r'"(.+)"', row[1])
    assert said, row[1]
    assert said[1] in words(), f"nothing says {said[1]!r}"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_each_fault_names_tests_that_are_there(row: list[str]) -> None:
    named = re.findall(r"`(tests/[^`]+)::([^`]+)`", row[2])
    assert named, "no test"
    for file, name in named:
        assert name in functions(ROOT / file), f"{file}::{name} is not there"
