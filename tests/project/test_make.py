"""The targets are there, start from nothing, and say what is missing; .ci/run can be read by bash."""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.project.places import ROOT, script, text
from tests.support.require import require_program

uv_tool = script("uv_tool")

SUPPORTED = SpecifierSet(tomllib.loads(text("pyproject.toml"))["project"]["requires-python"])
VERSIONS = [f"3.{minor}" for minor in range(8, 19)]
AROUND = [version for version in VERSIONS if version in SUPPORTED]


def fake_python(folder: Path, name: str, version: str) -> Path:
    """Make a program that answers as a Python of this version would."""
    major, minor = version.split(".")
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = --version ]; then echo "Python {version}.1"; exit; fi\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = ({major}, {minor}, 1); $2"\n'
    )
    made.chmod(0o755)
    return made


def find_python(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(ROOT / "scripts/find-python"), *arguments]
    return subprocess.run(command, env={"PATH": str(path)}, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("version", VERSIONS)
def test_exactly_the_versions_of_pyproject_are_taken(tmp_path, version):
    python = fake_python(tmp_path, "python3", version)
    found = find_python(tmp_path)
    if version in SUPPORTED:
        assert (found.returncode, found.stdout) == (0, f"{python}\n")
    else:
        assert (found.returncode, found.stdout) == (1, "")
        assert found.stderr == (
            f"maasbot needs Python {AROUND[0]} to {AROUND[-1]}; python3 is Python {version}.1. "
            "Install one of these, or name one: make PYTHON=/path/to/python3.12\n"
        )


def test_a_numbered_python_is_taken_where_python3_is_too_old(tmp_path):
    fake_python(tmp_path, "python3", "3.9")
    fake_python(tmp_path, "python3.11", "3.11")
    newest = fake_python(tmp_path, "python3.13", "3.13")
    assert find_python(tmp_path).stdout == f"{newest}\n"


def test_the_named_python_is_taken_first(tmp_path):
    fake_python(tmp_path, "python3", "3.12")
    named = fake_python(tmp_path / "elsewhere", "python", "3.11")
    assert find_python(tmp_path, str(named)).stdout == f"{named}\n"


def test_no_python_at_all_is_said_so(tmp_path):
    assert "python3 was not found" in find_python(tmp_path).stderr


def make(*arguments: str, cwd: Path) -> list[str]:
    """Return the lines that make prints, run as if not from within make."""
    environ = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    command = [require_program("make", package="make"), *arguments]
    ran = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=True, timeout=60)
    return ran.stdout.splitlines()


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "manifest"])
def test_each_target_sets_up_first_and_again_when_the_lock_changed(target, tmp_path):
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    first, *rest = make("-n", target, cwd=tmp_path)
    assert "scripts/environment.py" in first
    assert any(".venv/bin/" in line for line in rest)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/ready").touch()
    assert make("-n", target, cwd=tmp_path) == rest
    later = time.time() + 60
    os.utime(tmp_path / "uv.lock", (later, later))
    assert make("-n", target, cwd=tmp_path) == [first, *rest]


def test_the_list_of_targets_is_whole():
    phony = text("Makefile").partition(".PHONY:")[2].splitlines()[0].split()
    assert [line.split()[1] for line in make(cwd=ROOT)] == phony


def test_a_uv_that_is_there_is_used_and_one_too_old_is_not(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(uv_tool, "_can_import", lambda module: False)
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "uv 0.13.9 (x86_64)"\n')
    uv.chmod(0o755)
    assert uv_tool.find_or_install(tmp_path / "tools") == str(uv)
    uv.write_text('#!/bin/sh\necho "uv 0.4.30"\n')
    with pytest.raises(uv_tool.NoUvError, match="Install one of: uv, python3-venv"):
        uv_tool.find_or_install(tmp_path / "tools")


def test_an_unrelated_folder_is_not_overwritten(tmp_path):
    kept = tmp_path / "letters/letter.txt"
    kept.parent.mkdir()
    kept.touch()
    with pytest.raises(SystemExit, match="is no virtual environment"):
        script("environment")._make_venv(kept.parent)
    assert kept.exists()


def test_ci_is_bash_and_asks_for_everything():
    run = ROOT / ".ci/run"
    bash = require_program("bash", package="bash")
    subprocess.run([bash, "-n", run], check=True, timeout=60)
    assert os.access(run, os.X_OK)
    assert "set -euo pipefail" in run.read_text()
    assert "export MAASBOT_TEST_REQUIRE_ALL=1" in run.read_text()
