"""What representative messages look like. `UPDATE_GOLDEN=1 pytest tests/slack` writes the files anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bot.slack.render import Rendered, Surface, render
from tests.slack.blockcheck import check
from tests.slack.messages import ALL

GOLDEN = Path(__file__).parent / "golden"


def _dump(rendered: Rendered) -> str:
    files = [{"name": file.name, "title": file.title, "text": file.text[:400]} for file in rendered.files]
    shown = {
        "text": rendered.text,
        "blocks": rendered.blocks,
        "files": files,
        "native": sorted(rendered.native),
    }
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("form", ["native", "plain"])
@pytest.mark.parametrize("name", sorted(ALL))
def test_message_looks_as_recorded(name: str, form: str) -> None:
    rendered = render(ALL[name], native=form == "native")
    check(rendered.blocks, "message")
    path = GOLDEN / f"{name}.{form}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(_dump(rendered), encoding="utf-8")
    assert _dump(rendered) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("surface", list(Surface))
@pytest.mark.parametrize("name", sorted(ALL))
def test_every_surface_takes_it(name: str, surface: Surface) -> None:
    check(render(ALL[name], surface=surface).blocks, surface.value)
