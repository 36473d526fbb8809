"""Where everything is required, a skip of any kind is a failure; elsewhere it is a skip that says why."""

import os
import subprocess
import sys

import pytest
from _pytest.outcomes import Failed, Skipped

from tests.project.places import ROOT
from tests.support import require

SKIPPING = """
import pytest
def test_in_body(): pytest.skip("no server")
@pytest.mark.skip(reason="no browser")
def test_by_mark(): pass
@pytest.fixture
def host(): pytest.skip("no host")
def test_in_fixture(host): pass
@pytest.mark.xfail(reason="known")
def test_expected(): raise AssertionError
def test_well(): pass
"""


def run_pytest(folder, source: str, require_all: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(source)
    environ = os.environ | {"PYTHONPATH": str(ROOT), require.REQUIRE_ALL: require_all, "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.skips",
        "-p",
        "no:cacheprovider",
        "-rA",
        "test_it.py",
    ]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_skips_are_failures_where_everything_is_required(tmp_path):
    ran = run_pytest(tmp_path, SKIPPING, "1")
    assert ran.returncode == 1
    assert "1 failed, 1 passed, 1 xfailed, 2 errors" in ran.stdout
    for reason in ("no server", "no browser", "no host"):
        assert f"{reason} (a skip is a failure: {require.REQUIRE_ALL} is set)" in ran.stdout


@pytest.mark.parametrize("value", ["", "0"])
def test_skips_stay_skips_elsewhere(tmp_path, value):
    ran = run_pytest(tmp_path, SKIPPING, value)
    assert ran.returncode == 0
    assert "1 passed, 3 skipped, 1 xfailed" in ran.stdout


def test_a_module_that_skips_as_a_whole_is_a_failure_too(tmp_path):
    ran = run_pytest(tmp_path, "import pytest\npytest.importorskip('no_such_module')\n", "1")
    assert ran.returncode == 2
    assert "could not import 'no_such_module'" in ran.stdout
    assert "a skip is a failure" in ran.stdout


def test_a_program_is_found_by_its_second_name_or_in_a_folder(tmp_path):
    for version in ("15", "16"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "server").touch()
    found = require.require_program("no-such-server", "server", package="x", folders=[f"{tmp_path}/*"])
    assert found == tmp_path / "16/server"


def test_a_missing_program_skips_with_its_package(monkeypatch):
    monkeypatch.delenv(require.REQUIRE_ALL, raising=False)
    with pytest.raises(Skipped, match=r"needs no-such-a or no-such-b \(Debian: apt install such\)"):
        require.require_program("no-such-a", "no-such-b", package="such")


def test_a_missing_program_fails_where_everything_is_required(monkeypatch):
    monkeypatch.setenv(require.REQUIRE_ALL, "1")
    with pytest.raises(Failed, match="needs no-such-a"):
        require.require_program("no-such-a", package="such")
