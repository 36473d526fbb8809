"""Text that looks like markup, mentions or links, in every field of every command: it stays text in what comes back."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.command.declaration import Command
from commands.catalogue import build_catalog
from tests.endtoend.test_hostile_text import HOSTILE, harmless
from tests.support.harness import OLGA, OPS, running

BAD = " ".join(HOSTILE)
#: Commands that do at once what they are told.
AT_ONCE = {"cancel", "sshkeys generate"}


def spoilt(command: Command) -> Iterator[str]:
    """Its example with each of the words in turn replaced, and with each option that it does not show."""
    name, words = command.words, shlex.split(command.example)[1:]
    fixed = len(name)
    for at in range(fixed, len(words)):
        if not words[at].startswith("--"):
            yield shlex.join([*words[:at], BAD, *words[at + 1 :]])
    for parameter in inspect.signature(command.handler).parameters.values():
        option = f"--{parameter.name.strip('_').replace('_', '-')}"
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and parameter.annotation == "str" and option not in words:
            yield shlex.join([*words, option, BAD])
    yield shlex.join([*words, BAD])


def test_every_command_has_a_field_to_spoil() -> None:
    for command in build_catalog():
        for words in spoilt(command):
            assert "<!channel>" in words and words.startswith(command.name)


@pytest.mark.long
async def test_every_field_of_every_command_is_shown_letter_by_letter(tmp_path: Path) -> None:
    fields = [words for command in build_catalog() if command.name not in AT_ONCE for words in spoilt(command)]
    async with running(tmp_path, settings={"MAASBOT_ADMINS": OLGA}) as it:
        it.world.workspace.rates.generous = True
        for words in fields:
            answer = await it.talk.ask(words, timeout=30.0)
            harmless(answer.blocks)
            assert "<!" not in answer.text and "<@U0ADAM> is to blame" not in answer.text, words
        everything = [one for one in it.world.workspace.messages(OPS, OLGA) if one.bot_id]
        assert len(everything) >= len(fields) > 150
        for message in everything:
            harmless(message.blocks)
