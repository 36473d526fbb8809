"""Makes the project's virtual environment exactly as uv.lock says; safe to repeat.

The lock names no index (scripts/lock.py), so its names, versions and hashes are written out as a requirements
file, and installed with hashes checked from whatever index the machine is configured for.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pip_settings
import uv_tool

ROOT = Path(__file__).resolve().parent.parent
STAMP = "ready"


def main() -> int:
    """Make the environment; return the exit code."""
    parser = argparse.ArgumentParser(description="Makes the virtual environment that uv.lock describes.")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where it is made (default: .venv)")
    parser.add_argument("--tools", type=Path, help="where uv is put if the machine has none (default: VENV/tools)")
    parser.add_argument("--runtime", action="store_true", help="what the bot needs to run, and the bot as a wheel")
    options = parser.parse_args()
    venv = options.venv.absolute()
    tools = (options.tools or venv / "tools").absolute()
    print(
        f"Setting up {os.path.relpath(venv)} from uv.lock; the first time takes a minute.",
        file=sys.stderr,
        flush=True,
    )
    try:
        _make_venv(venv)
        uv = uv_tool.find_or_install(tools)
        (_install_runtime if options.runtime else _install_development)(uv, venv, tools)
    except uv_tool.NoUvError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{venv} was not made: `{' '.join(map(str, error.cmd))}` failed.", file=sys.stderr)
        return 1
    return 0


def _make_venv(venv: Path) -> None:
    (venv / STAMP).unlink(missing_ok=True)
    if _supported(venv / "bin/python"):
        return
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        raise SystemExit(f"{venv} is there and is no virtual environment; move it away first.")
    shutil.rmtree(venv, ignore_errors=True)
    # Debian's python3 has no ensurepip, and needs none for an environment without pip.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)


def _supported(python: Path) -> bool:
    """Return whether `python` is there, runs, and is of a version that the project supports."""
    try:
        chosen = subprocess.run(
            [ROOT / "scripts/find-python", python], capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return False
    return chosen == str(python)


def _install_development(uv: str, venv: Path, tools: Path) -> None:
    """Install everything in the lock, and the project editable."""
    del tools
    requirements = _requirements(uv, venv, "--all-groups")
    # Compiled now: the first start is as fast as the next, and shows no warning about a dependency's source.
    _uv(uv, "pip", "sync", "--python", venv, "--require-hashes", "--compile-bytecode", requirements)
    _uv(
        uv,
        "pip",
        "install",
        "--python",
        venv,
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--editable",
        ROOT,
    )
    (venv / STAMP).touch()


def _install_runtime(uv: str, venv: Path, tools: Path) -> None:
    """Install what the bot needs to run, and the bot as a wheel, built by locked build tools kept apart."""
    requirements = _requirements(uv, venv, "--no-default-groups")
    _uv(uv, "pip", "sync", "--python", venv, "--require-hashes", "--compile-bytecode", requirements)
    builder, wheels = tools / "builder", tools / "wheels"
    _make_venv(builder)
    build_requirements = _requirements(uv, builder, "--only-group", "build")
    _uv(uv, "pip", "sync", "--python", builder, "--require-hashes", build_requirements)
    shutil.rmtree(wheels, ignore_errors=True)
    _uv(
        uv,
        "build",
        "--wheel",
        "--python",
        builder / "bin/python",
        "--no-build-isolation",
        "--out-dir",
        wheels,
        ROOT,
    )
    (wheel,) = wheels.glob("*.whl")
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        # uv notes the wheel's time in what it installs; this keeps that the same from one build to the next.
        os.utime(wheel, (int(epoch), int(epoch)))
    _uv(uv, "pip", "install", "--python", venv, "--no-deps", "--no-index", "--compile-bytecode", wheel)


def _requirements(uv: str, venv: Path, *groups: str) -> Path:
    """Write the lock's names, versions and hashes for these dependency groups, and return the file."""
    written = venv / "requirements.txt"
    plain = ("--no-emit-project", "--no-annotate", "--no-header")
    _uv(uv, "export", "--frozen", "--project", ROOT, *plain, *groups, "--output-file", written)
    return written


def _uv(uv: str, *arguments: str | Path) -> None:
    environ = pip_settings.for_installing(os.environ)
    # An environment that happens to be active is not the one meant here.
    environ.pop("VIRTUAL_ENV", None)
    subprocess.run([uv, "--quiet", *map(str, arguments)], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    sys.exit(main())
