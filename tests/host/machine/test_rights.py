"""What the install script gives the bot's user on a real machine: one program by one door, and nothing beside it."""

from __future__ import annotations

import json
import subprocess

import pytest

from bot.host.bundle import bundle, digest
from bot.host.install import uninstall_script
from tests.host.machine.conftest import MachineMaker
from tests.support.host_machine import Machine

# The first test on a machine may have to make its files.
pytestmark = pytest.mark.timeout(600)

STEP = "/usr/local/libexec/maasbot/step"


def as_bot(machine: Machine, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """As the bot's user, past the door that its key leads to: what if somebody had that user's shell?"""
    inside = ["nsenter", "-t", str(machine._init), "-a", "--", "setpriv", "--reuid=maasbot", "--regid=maasbot"]
    return subprocess.run(
        [*inside, "--init-groups", "--reset-env", *words], input=stdin, capture_output=True, text=True, check=False
    )


def test_the_script_gives_one_program_and_no_more(make_machine: MachineMaker):
    machine = make_machine()
    first = machine.install_helper()
    assert "installed  " + STEP in first
    again = machine.install_helper()
    assert "installed" not in again
    assert again.count("unchanged") == 4

    hello = machine.ask_by_ssh(verb="hello")["result"]
    assert hello["jobs"] == "systemd"
    assert hello["sha256"] == digest(bundle())
    # Whatever is asked for over SSH, the one program runs: no shell, no file transfer, no forwarding, no terminal.
    for command in ([], ["id"], ["cat", "/etc/shadow"], ["-s", "sftp"]):
        assert '"bad_request"' in machine.ssh(command).stdout

    allowed = as_bot(machine, "sudo", "-n", STEP, stdin='{"protocol": 1, "verb": "hello"}')
    assert json.loads(allowed.stdout)["result"]["hostname"] == "maas-host"
    for words in (
        ["sudo", "-n", "id"],
        ["sudo", "-n", "-u", "postgres", STEP],
        ["sudo", "-n", STEP, "--run", "op-1"],
        ["sudo", "-n", STEP, ""],
        ["sudo", "-n", STEP + "/../step"],
        ["sudo", "-n", "PYTHONPATH=/tmp", STEP],
        ["sudo", "-n", "-E", STEP],
        ["sudo", "-n", "--preserve-env=PATH", STEP],
        ["sudo", "-n", "/usr/bin/python3", "-I", STEP],
        ["sudo", "-n", "-s"],
        ["su", "root", "-c", "id"],
    ):
        refused = as_bot(machine, *words, stdin='{"protocol": 1, "verb": "hello"}')
        assert refused.returncode != 0, words
        assert "maas-host" not in refused.stdout, words
    # Nor may the user change what root runs, or who may come in.
    for path in (
        STEP,
        "/etc/sudoers.d/maasbot",
        "/var/lib/maasbot-login/.ssh/authorized_keys",
        "/var/lib/maasbot/jobs/x",
    ):
        assert as_bot(machine, "sh", "-c", f"echo x >>{path}").returncode != 0, path
    assert as_bot(machine, "cat", "/etc/sudoers.d/maasbot").returncode != 0

    machine.root("sh", "-s", stdin=uninstall_script("maasbot"))
    assert machine.ssh(["x"]).returncode == 255
    left = machine.root("sh", "-c", "ls -d /etc/sudoers.d/maasbot /usr/local/libexec/maasbot /var/lib/maasbot* || true")
    assert left.count("No such file") >= 3
    assert machine.root("sh", "-s", stdin=uninstall_script("maasbot"))
    assert "created    user maasbot" in machine.install_helper()
