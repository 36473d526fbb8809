"""The page docs/images-do-not-arrive.md: a section for each case of the doctor, and a test for each section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.operations.image_cases import Case

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "images-do-not-arrive.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_every_case_has_a_section() -> None:
    assert {case.value for case in Case} <= set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_names_a_test_that_is_there(section: str) -> None:
    named = re.findall(r"^Test: `(\w+\.py)::(\w+)`$", SECTIONS[section], re.MULTILINE)
    assert named, section
    for file, name in named:
        assert f"def {name}(" in (HERE / file).read_text("utf-8")


def test_every_command_on_the_page_is_one() -> None:
    from bot.command.parser import Parser
    from commands.catalogue import build_catalog

    parser = Parser(build_catalog())
    for words in re.findall(r"`/maas ([^`]+)`", PAGE):
        if not words.startswith("watch"):
            parser._find(words.split())
