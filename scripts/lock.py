"""Brings uv.lock in step with pyproject.toml, and takes the index's name out of it (`make lock`).

uv writes where it found each file. The lock is to hold for every index and mirror, so those addresses are
replaced by one that can't exist; names, versions and hashes stay: an installation goes by nothing else.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pip_settings
import uv_tool

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "https://index.invalid"


def main(arguments: list[str]) -> int:
    """Run `uv lock` with `arguments`, then make the result neutral; return the exit code."""
    lock = ROOT / "uv.lock"
    try:
        uv = uv_tool.find_or_install(ROOT / ".venv/tools")
    except uv_tool.NoUvError as error:
        print(error, file=sys.stderr)
        return 1
    code = subprocess.run(
        [uv, "lock", *arguments], cwd=ROOT, env=pip_settings.for_locking(os.environ), check=False
    ).returncode
    if lock.exists():
        text = neutral(lock.read_text(encoding="utf-8"))
        refuse_what_is_not_neutral(text)
        lock.write_text(text, encoding="utf-8")
    return code


def neutral(text: str) -> str:
    """Return the lock's text with every index and file address pointing nowhere; file names stay."""
    text = re.sub(r'\bregistry = "[^"]*"', f'registry = "{NOWHERE}/simple"', text)
    return re.sub(r'\b(?:url|path) = "[^"]*?([^"/]+)"', rf'url = "{NOWHERE}/files/\1"', text)


def refuse_what_is_not_neutral(text: str) -> None:
    """Raise SystemExit if a package has no hash, or comes from a repository or folder."""
    for package in tomllib.loads(text)["package"]:
        source = package["source"]
        if source == {"editable": "."}:
            continue
        files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
        if source != {"registry": f"{NOWHERE}/simple"} or not files or not all("hash" in file for file in files):
            raise SystemExit(f"uv.lock: {package['name']} is not a hashed package from an index: {source}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
