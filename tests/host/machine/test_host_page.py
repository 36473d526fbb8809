"""docs/host.md by its own words, on a real machine: what its lines say to type does what they say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.machine.conftest import MachineMaker
from tests.project.places import ROOT
from tests.support.host_machine import Machine

pytestmark = pytest.mark.timeout(600)

PAGE = (ROOT / "docs" / "host.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def typed(title: str) -> list[str]:
    """The lines of a section that are to be typed, without their remarks."""
    return [line.partition("  #")[0].strip() for line in section(title).splitlines() if line.startswith("    ")]


def script(folder: Path, words: list[str]) -> str:
    """What `maasbot host-helper …` prints, as the page says to call it."""
    assert words[:2] == ["maasbot", "host-helper"]
    program = "import sys; from bot.cli import main; sys.exit(main())"
    ran = subprocess.run(
        [sys.executable, "-c", program, *words[1:]], cwd=folder, capture_output=True, text=True, check=True
    )
    return ran.stdout


def by_the_page(pattern: str) -> list[str]:
    found = re.search(pattern, PAGE)
    assert found, f"the page does not say {pattern}"
    return found[1].split()


def test_install_check_and_remove_by_the_pages_own_words(make_machine: MachineMaker, tmp_path: Path) -> None:
    machine = make_machine()
    keygen = next(line for line in typed("What is installed") if line.startswith("ssh-keygen"))
    subprocess.run(["sh", "-c", keygen], cwd=tmp_path, check=True, capture_output=True)
    machine.key = tmp_path / "maasbot"
    text = script(tmp_path, by_the_page(r"(maasbot host-helper install-script --key \S+) >install\.sh"))
    (machine.files / "root/install.sh").write_text(text)
    first = machine.root("sh", "/root/install.sh")
    checksum = first.partition("checksum ")[2].split()[0]
    assert machine.root("sh", "/root/install.sh").count("unchanged") == 4

    # The table: what it names is there, root's, and nothing else came.
    for place in re.findall(r"^\| `(/[^`]+)`", section("What is installed"), flags=re.MULTILINE):
        owner = machine.root("stat", "-c", "%U", place).strip()
        assert owner == "root", place
    assert machine.root("id", "-nu", "maasbot").strip() == "maasbot"

    said = {line: checked(machine, line) for line in typed("How to check it")}
    assert len(said) >= 5
    assert checksum in said[next(one for one in said if one.startswith("sha256sum"))]
    rights = said[next(one for one in said if one.startswith("sudo -l"))]
    assert re.search(r'NOPASSWD: /usr/local/libexec/maasbot/step ""', rights)
    assert rights.count("NOPASSWD") == 1
    hello = said[next(one for one in said if one.startswith("echo"))]
    assert '"speaks": [1]' in hello
    assert machine.ask_by_ssh(verb="hello")["result"]["hostname"] == "maas-host"
    assert '"protocol"' not in machine.root("journalctl", "-t", "sudo", "-o", "cat"), "calls, and not what was in them"
    assert "COMMAND=/usr/local/libexec/maasbot/step" in machine.root("journalctl", "-t", "sudo", "-o", "cat")

    shut_out = by_the_page(r"shut the bot out at once: `([^`]+)`")
    machine.root(*shut_out)
    assert '"hostname"' not in machine.ssh([], '{"protocol": 1, "verb": "hello"}').stdout
    removal = script(tmp_path, by_the_page(r"`(maasbot host-helper uninstall-script) >uninstall\.sh`"))
    (machine.files / "root/uninstall.sh").write_text(removal)
    machine.root("sh", "/root/uninstall.sh")
    left = machine.root(
        "sh", "-c", "ls -d /usr/local/libexec/maasbot /var/lib/maasbot /etc/sudoers.d/maasbot", check=False
    )
    assert left.count("No such file") == 3
    assert "no such user" in machine.root("id", "maasbot", check=False)


def checked(machine: Machine, line: str) -> str:
    """Run a line of the page as the host's administrator; it has to come to a good end."""
    return machine.root("sh", "-c", f"{line} | cat")
