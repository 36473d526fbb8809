"""The page docs/images-do-not-arrive.md: a section for each case of the doctor, and a test for each way it can go."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot.operations.image_cases import Case

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "images-do-not-arrive.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
_BRANCH = re.compile(r"^- [^:]+: `([\w/]+\.py)::(\w+)`$", re.MULTILINE)
#: What is tested in a table beside the function.
_TABLES = ("test_a_case_is_said_and_recovered",)


def source_of(file: str, name: str) -> str:
    """The test with its decorators, where its parameters are."""
    text = (TESTS / file).read_text("utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            return text if name in _TABLES else "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    raise AssertionError(f"there is no {name} in {file}")


def test_every_case_has_a_section() -> None:
    assert {case.value for case in Case} <= set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_branch_names_a_test_that_is_there(section: str) -> None:
    named = _BRANCH.findall(SECTIONS[section])
    assert named, section
    assert len(named) == len(re.findall(r"^- .*::", SECTIONS[section], re.MULTILINE)), "a line of another form"
    for file, name in named:
        assert source_of(file, name)


@pytest.mark.parametrize("section", SECTIONS)
def test_what_a_section_tells_to_type_is_typed_in_its_tests(section: str) -> None:
    typed = "\n".join(source_of(file, name) for file, name in _BRANCH.findall(SECTIONS[section]))
    for words in re.findall(r"`/maas ([^`]+)`", SECTIONS[section]):
        command = words.split(" ubuntu/")[0]
        assert re.search(rf"\"{re.escape(command)}\b", typed), f"/maas {words}"


def test_every_command_on_the_page_is_one() -> None:
    from bot.command.parser import Parser
    from commands.catalogue import build_catalog

    parser = Parser(build_catalog())
    for words in re.findall(r"`/maas ([^`]+)`", PAGE):
        if not words.startswith("watch"):
            parser._find(words.split())
