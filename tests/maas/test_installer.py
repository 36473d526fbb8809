"""An installer's log in one sentence."""

from __future__ import annotations

import pytest

from bot.maas.installer import why_it_failed
from sandbox.maas.script_output import DEPLOY_LOG

_CHROOTED = (
    "Command: ['unshare', '--fork', '--pid', '--', 'chroot', '/tmp/tmp1/target', 'apt-get', '--quiet', 'install',"
    " 'grub-pc']\nExit code: 100\nReason: -\n"
)


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            DEPLOY_LOG,
            "sgdisk --zap-all /dev/sda failed (exit status 2) while it partitioned the disks: "
            "Problem opening /dev/sda for reading! Error is 5.",
        ),
        (
            f"Unexpected error while running command.\n{_CHROOTED}Stdout: ''\nStderr: Err:1 http://archive jammy\n"
            "          Temporary failure resolving 'archive.ubuntu.com'\n"
            "        E: Unable to locate package grub-pc\n"
            "finish: cmd-install/stage-curthooks/builtin/cmd-curthooks: FAIL: curtin command curthooks\n"
            "curtin: Installation failed with exception: Unexpected error while running command.\n",
            "apt-get --quiet install grub-pc failed (exit status 100) while it set up the kernel and the boot loader: "
            "Temporary failure resolving 'archive.ubuntu.com",
        ),
        (
            "curtin: Installation failed with exception: The target root has no space left on device\n",
            "The target root has no space left on device",
        ),
        ("Copying\ncp: write error: No space left on device\nmore\n", "cp: write error: No space left on device"),
        ("line\nsomething failed in a way of its own\nbye\n", "something failed in a way of its own"),
        (f"{_CHROOTED}Stdout: ''\nStderr: ''\n", "apt-get --quiet install grub-pc failed (exit status 100)"),
        ("Command: not a list\nExit code: 1\n", "not a list failed (exit status 1)"),
        ("Command: ['a'\nStderr: 'x\\ny'\n", "['a' failed: x y"),
        ("all went well\n", ""),
        ("", ""),
    ],
)
def test_why(log: str, expected: str) -> None:
    assert why_it_failed(log) == expected


def test_an_endless_line_is_cut() -> None:
    assert len(why_it_failed("error " + "x" * 10_000)) <= 200
