"""maasbot.toml: the same names as the environment's in any case, and the tables `regions` and `policy`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bot.policy.file import PolicyFileError, read_policy


class SettingsError(Exception):
    """Settings that can't be used. `faults` holds one line each; none of them repeats a secret."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_file(known: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """What the file sets, and its faults; nothing when there is no file. `known` are the settings that there are.

    Raises:
        SettingsError: it can't be read at all, so that nothing more can be said of any setting.
    """
    path = Path(os.environ.get("MAASBOT_CONFIG") or "maasbot.toml")
    if not path.exists():
        if os.environ.get("MAASBOT_CONFIG"):
            raise SettingsError([f"MAASBOT_CONFIG: {path} is not there"])
        return {}, []
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise SettingsError([f"MAASBOT_CONFIG: {path} can't be read ({error.strerror})"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"MAASBOT_CONFIG: {path} is not valid TOML: {error}"]) from None
    values: dict[str, Any] = {}
    faults = []
    for name, value in content.items():
        if name == "regions":
            values["regions"] = value
        elif name == "policy":
            try:
                values["policy"] = read_policy(value, text, path.name)
            except PolicyFileError as error:
                faults += error.faults
        elif name.upper() in known:
            values[name.upper()] = value
        else:
            near = get_close_matches(name.upper(), known, 1)
            faults.append(f"{path}: {name} is no setting" + (f"; did you mean {near[0]}?" if near else ""))
    return values, faults
