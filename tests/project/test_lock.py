"""uv.lock: in step with pyproject.toml, naming no index, and enough to install from."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.project.places import ROOT, script, text
from tests.support.require import require_program

lock = script("lock")

WRITTEN_BY_UV = """
[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://mirror.example/simple" }
sdist = { url = "https://user@mirror.example/94/six-1.17.0.tar.gz", hash = "sha256:aa", size = 34031 }
wheels = [
    { url = "https://mirror.example/b7/six-1.17.0-py2.py3-none-any.whl", hash = "sha256:bb", size = 11 },
]

[[package]]
name = "maas-chatops"
source = { editable = "." }
"""


def uv(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program = require_program("uv", package="python3-venv, then: make lock", folders=(f"{sys.prefix}/tools/bin",))
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environ |= {"UV_OFFLINE": "1", "UV_PYTHON": sys.executable}
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_is_in_step_with_pyproject():
    checked = uv("lock", "--check")
    assert checked.returncode == 0, f"run: make lock\n{checked.stderr}"


def test_the_check_sees_a_dependency_that_is_not_locked(tmp_path):
    (tmp_path / "uv.lock").write_text(text("uv.lock"))
    changed = text("pyproject.toml").replace('"structlog>=', '"left-out-of-the-lock",\n    "structlog>=')
    (tmp_path / "pyproject.toml").write_text(changed)
    for name in ("README.md", "LICENSE"):
        (tmp_path / name).touch()
    assert uv("lock", "--check", cwd=tmp_path).returncode != 0


def test_it_names_no_index():
    assert set(re.findall(r"\w+://[^/\"]+", text("uv.lock"))) == {lock.NOWHERE}
    lock.refuse_what_is_not_neutral(text("uv.lock"))


def test_every_package_but_the_project_has_a_wheel():
    # A package without one would be built here, by a build tool that nothing pins.
    packages = tomllib.loads(text("uv.lock"))["package"]
    assert [package["name"] for package in packages if not package.get("wheels")] == ["maas-chatops"]


def test_what_it_exports_has_versions_and_hashes_and_no_address(tmp_path):
    exported = uv("export", "--frozen", "--no-emit-project", "--all-groups", "--no-annotate", "--no-header")
    assert exported.returncode == 0, exported.stderr
    assert "://" not in exported.stdout
    requirements = exported.stdout.replace("\\\n", " ").splitlines()
    assert len(requirements) > 40
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_addresses_are_taken_out_and_all_else_stays():
    neutral = lock.neutral(WRITTEN_BY_UV)
    assert "example" not in neutral
    assert "user@" not in neutral
    lock.refuse_what_is_not_neutral(neutral)
    six = tomllib.loads(neutral)["package"][0]
    assert six["sdist"] == {
        "url": f"{lock.NOWHERE}/files/six-1.17.0.tar.gz",
        "hash": "sha256:aa",
        "size": 34031,
    }
    assert six["wheels"][0]["hash"] == "sha256:bb"
    assert lock.neutral(neutral) == neutral


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('{ registry = "https://mirror.example/simple" }', '{ git = "https://git.example/six?rev=1#abc" }'),
        ('{ registry = "https://mirror.example/simple" }', '{ directory = "../six" }'),
        (', hash = "sha256:bb"', ""),
    ],
)
def test_what_is_no_hashed_package_from_an_index_is_refused(was, becomes):
    assert was in WRITTEN_BY_UV
    with pytest.raises(SystemExit, match="six is not a hashed package from an index"):
        lock.refuse_what_is_not_neutral(lock.neutral(WRITTEN_BY_UV.replace(was, becomes)))
