"""docs/security.md names the test of each attack: every one of them is there, and is a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.project.places import ROOT

#: What has to be in the table, whatever else is.
ATTACKS = [
    "forged request", "sent again", "stale nonce", "another operation's id", "made-up id", "one's own request",
    "through a group", "another workspace", "viewer", "group is emptied", "machine changes", "`<!channel>`", "links",
    "control and direction characters in a hostname", "two approvers at once", "break-glass",
]  # fmt: skip


def attacks() -> list[str]:
    """The rows of the table."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    table = text.partition("## Attacks")[2]
    return [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| attack")]


def functions(file: Path) -> dict[str, ast.AST]:
    """What a file of tests defines at its top, with assignments such as a state machine's test case."""
    found: dict[str, ast.AST] = {}
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found.update((target.id, node) for target in node.targets if isinstance(target, ast.Name))
    return found


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_is_left_out(attack: str) -> None:
    assert any(attack in row.lower() for row in attacks())


@pytest.mark.parametrize("row", attacks(), ids=lambda row: row[2:50])
def test_each_row_names_tests_that_are_there(row: str) -> None:
    named = re.findall(r"`(tests/[^`]+)`", row.rsplit("|", 2)[1])
    assert named, "no test"
    for one in named:
        file, _, name = one.partition("::")
        assert name, f"{one} names no test in the file"
        found = functions(ROOT / file)
        assert name in found, f"{one} is not there"
        asserting = [node for node in ast.walk(found[name]) if isinstance(node, ast.Assert | ast.Await | ast.Call)]
        assert asserting, f"{one} asserts nothing"
