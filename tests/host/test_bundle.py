"""The helper as one file, and the scripts that put it on a host and take it off again."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli import app
from bot.host.bundle import bundle, digest
from bot.host.install import InstallError, install_script, sudoers, uninstall_script

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl bot@chat"


def test_it_is_one_file_of_the_standard_library_for_old_pythons():
    text = bundle()
    tree = ast.parse(text, feature_version=(3, 8))
    assert text.startswith("#!/bin/sh\n")
    modules = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    modules |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= set(sys.stdlib_module_names)
    assert "bot.host" not in re.sub(r"(?m)^#.*", "", text)
    assert bundle() == text
    assert digest(text) == hashlib.sha256(text.encode()).hexdigest()


def test_nothing_in_it_goes_through_a_shell_or_takes_code_from_outside():
    calls = [node for node in ast.walk(ast.parse(bundle())) if isinstance(node, ast.Call)]
    names = {ast.unparse(node.func) for node in calls}
    assert not names & {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.loads", "input"}
    for node in calls:
        assert "shell" not in {one.arg for one in node.keywords}, ast.unparse(node)


def test_the_scripts_are_shell_and_say_what_they_do():
    script = install_script("maasbot", KEY)
    for text in (script, uninstall_script("maasbot")):
        assert subprocess.run(["sh", "-n"], input=text.encode(), check=False).returncode == 0
    assert digest(bundle()) in script
    assert f'restrict,command="sudo -n /usr/local/libexec/maasbot/step" {KEY}' in script
    rule = [line for line in sudoers("maasbot").splitlines() if "NOPASSWD" in line]
    assert rule == ['maasbot ALL=(root:root) NOPASSWD: /usr/local/libexec/maasbot/step ""']
    assert "*" not in sudoers("maasbot")


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ("root", KEY),
        ("a b", KEY),
        ("maasbot; id", KEY),
        ("-x", KEY),
        ("", KEY),
        ("maasbot", ""),
        ("maasbot", KEY + "\n" + KEY),
        ("maasbot", 'command="id" ' + KEY),
        ("maasbot", KEY + "'; id; '"),
        ("maasbot", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ],
)
def test_nothing_else_gets_into_a_script(user: str, key: str):
    with pytest.raises(InstallError):
        install_script(user, key)


def test_the_command_line_prints_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    key = tmp_path / "key.pub"
    key.write_text(KEY + "\n")
    assert app(["host-helper", "install-script", "--key", str(key)], result_action="return_value") == 0
    assert capsys.readouterr().out == install_script("maasbot", KEY)
    assert app(["host-helper", "uninstall-script", "--user", "ops"], result_action="return_value") == 0
    assert "user='ops'" in capsys.readouterr().out
    key.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA")
    assert app(["host-helper", "install-script", "--key", str(key)], result_action="return_value") == 2
    assert app(["host-helper", "install-script", "--key", str(tmp_path / "no")], result_action="return_value") == 2
    told = capsys.readouterr()
    assert "PRIVATE" not in told.out + told.err
    assert "can't be read (No such file or directory)" in told.err
