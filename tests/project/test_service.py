"""The systemd unit: what it starts, when it starts again, and what systemd itself thinks of it."""

import configparser
import subprocess
import tomllib

from tests.project.places import ROOT, text
from tests.support.require import require_program


def unit() -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text("deploy/maasbot.service"))
    return parser


def test_it_starts_the_project_s_command():
    (command,) = tomllib.loads(text("pyproject.toml"))["project"]["scripts"]
    program, argument = unit()["Service"]["ExecStart"].split()
    assert program.endswith(f"/bin/{command}")
    assert argument == "run"


def test_wrong_settings_and_refused_credentials_are_not_tried_again():
    service = unit()["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "3"]


def test_it_gives_the_bot_longer_to_stop_than_the_bot_takes():
    assert int(unit()["Service"]["TimeoutStopSec"].removesuffix("s")) > 10


def test_the_bot_can_write_its_state_and_little_else():
    service = unit()["Service"]
    assert service["DynamicUser"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["Environment"] == f"MAASBOT_STATE_DIR=%S/{service['StateDirectory']}"


def test_systemd_knows_every_word_of_it(tmp_path):
    analyze = require_program("systemd-analyze", package="systemd")
    # systemd-analyze refuses a program that is not installed; what is judged here is the rest.
    copy = tmp_path / "maasbot.service"
    copy.write_text(text("deploy/maasbot.service").replace("/opt/maasbot/bin/maasbot", "/bin/true"))
    checked = subprocess.run(
        [analyze, "verify", "--man=no", copy],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    about_it = [line for line in checked.stderr.splitlines() if "maasbot.service" in line]
    assert (checked.returncode, about_it) == (0, [])
