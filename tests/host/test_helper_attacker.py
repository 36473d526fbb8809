"""Whoever has the bot's key, or may write into a log or a folder that is not root's, gets no more than was meant."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bot.host.bundle import bundle
from bot.host.helper.base import Place, Refused
from bot.host.helper.fields import job_id
from bot.host.helper.logs import LOG_FIELDS, log, logs, without_secrets
from bot.host.helper.pgtools import password_file
from bot.host.helper.programs import Tools
from bot.host.helper.redaction import HIDDEN, Redaction
from bot.host.helper.region import RegionConfig, region_config
from tests.project.places import ROOT

#: 2,000 characters each, as a log's line has at most.
HOSTILE_LINES = [
    "ipmi-" * 400,
    "ipmi " * 400,
    "a.b-c_" * 333,
    "secret-" * 285,
    "password '" * 200,
    "a://b:" * 333,
    "password E'" + "\\" * 1980,
    "authorization " * 142,
]


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    for folder in ("var/snap/maas/common/log", "var/log/postgresql", "etc", "run/maasbot", "var/lib/maasbot/jobs"):
        (tmp_path / folder).mkdir(parents=True)
    return Tools(Place(root=str(tmp_path), path="/usr/bin:/bin", become=False))


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=lambda line: line[:12])
def test_no_line_of_a_log_keeps_the_helper_busy(line: str):
    redaction = Redaction(["hunter22"])
    begun = time.process_time()
    for _ in range(50):
        redaction.line(line)
    # Such a line took up to 4 s; a log has thousands.
    assert time.process_time() - begun < 2


def test_too_much_to_look_through_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bot.host.helper.logs._CLEAN_TIME", -1.0)
    with pytest.raises(Refused) as refused:
        without_secrets(["a", "b"])
    assert (refused.value.code, refused.value.field) == ("timeout", "arguments.since")


def test_a_private_key_that_begins_before_what_is_shown_stays_hidden():
    key = ["-----BEGIN RSA PRIVATE KEY-----", *["c2VjcmV0"] * 5, "-----END RSA PRIVATE KEY-----", "after"]
    assert without_secrets(["before", *key], 4) == [HIDDEN, HIDDEN, HIDDEN, "after"]


def test_a_link_in_a_folder_of_postgresqls_user_leads_nowhere(tools: Tools):
    """Its user writes there, and the helper reads as root."""
    Path(tools.place.at("/etc/shadow")).write_text("root:$6$geheim\n")
    planted = Path(tools.place.at("/var/log/postgresql/postgresql-15-main.log"))
    planted.symlink_to(tools.place.at("/etc/shadow"))
    assert logs(tools) == {"logs": []}
    with pytest.raises(Refused) as refused:
        log(tools, LOG_FIELDS.read({"name": "postgresql"}))
    assert refused.value.code == "unavailable"
    # Nor does a pipe that nobody writes to hold it up.
    planted.unlink()
    os.mkfifo(planted)
    with pytest.raises(Refused):
        log(tools, LOG_FIELDS.read({"name": "postgresql"}))


def test_what_became_a_link_since_it_was_looked_at_is_not_read(tools: Tools, monkeypatch: pytest.MonkeyPatch):
    path = Path(tools.place.at("/var/log/postgresql/postgresql-15-main.log"))
    path.symlink_to(tools.place.at("/etc"))
    monkeypatch.setattr("bot.host.helper.logs._plain", lambda _: True)
    with pytest.raises(OSError, match="symbolic links"):
        log(tools, LOG_FIELDS.read({"name": "postgresql"}))


def test_half_a_request_does_not_stay_for_ever(tmp_path: Path):
    """Else a process of root's stays for each connection that sends nothing."""
    program = (
        "import sys; from bot.host.helper.base import Place; from bot.host.helper.program import serve\n"
        f"serve(Place(root={str(tmp_path)!r}, path='/usr/bin'), sys.stdin.buffer, sys.stdout.buffer, patience=0.3)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
    ) as half:
        assert half.stdin is not None
        assert half.stdout is not None
        half.stdin.write(b'{"protocol": 1, ')
        half.stdin.flush()
        assert half.wait(30) == 75
        assert half.stdout.read() == b""


def test_no_jobs_id_is_the_name_of_another_file_beside_its_secrets(tools: Tools):
    path = password_file(tools, RegionConfig({"database_pass": "geheim:x"}))
    for name in (os.path.basename(path), ".lists-updated", ".start"):
        with pytest.raises(ValueError, match="must be"):
            job_id(name)
    assert Path(path).stat().st_mode & 0o777 == 0o600
    # A link in its place is not followed.
    os.unlink(path)
    os.symlink(tools.place.at("/etc/shadow"), path)
    with pytest.raises(OSError, match="symbolic links"):
        password_file(tools, RegionConfig({"database_pass": "geheim:x"}))


def test_the_compiled_form_is_of_this_text_alone(tmp_path: Path):
    step = tmp_path / "step"
    step.write_text(bundle().replace("sys.exit(step.main(sys.argv[1:]))", "print(step.VERSION)"), encoding="utf-8")
    step.chmod(0o755)
    text = "import py_compile as p, sys; p.compile(sys.argv[1], invalidation_mode=p.PycInvalidationMode.CHECKED_HASH)"
    assert not list(tmp_path.glob("__pycache__/*")), "it writes none by itself"
    subprocess.run(["/usr/bin/python3", "-I", "-c", text, str(step)], check=True)
    kept = next(tmp_path.glob("__pycache__/*"))
    first = subprocess.run([step], capture_output=True, text=True, check=True).stdout
    at = step.stat()
    step.write_text(step.read_text(encoding="utf-8").replace('VERSION = "', 'VERSION = "x'), encoding="utf-8")
    os.utime(step, ns=(at.st_atime_ns, at.st_mtime_ns))
    assert subprocess.run([step], capture_output=True, text=True, check=True).stdout == f"x{first}"
    kept.write_bytes(b"")
    assert subprocess.run([step], capture_output=True, text=True, check=True).stdout == f"x{first}"


def test_maas_files_are_believed_only_in_their_plainest_form(tools: Tools):
    folder = Path(tools.place.at("/var/snap/maas/current"))
    folder.mkdir()
    programs = Path(tools.place.at("/bin"))
    programs.mkdir()
    (programs / "maas").write_text("#!/bin/sh\necho mode=rack\n")
    (programs / "maas").chmod(0o755)
    tools.place.path = f"{programs}:/usr/bin:/bin"
    plain = "database_host: localhost\ndatabase_name: maas\ndatabase_pass: pW1-x_y.z\ndatabase_port: null\n"
    plain += "database_user: maas\ndebug: false\nmaas_url: http://10.0.0.1:5240/MAAS\n"

    def told(conf: str, mode: str = "region+rack\n") -> RegionConfig:
        tools.forget()
        (folder.parent / "common/snap_mode").write_text(mode)
        (folder / "regiond.conf").write_text(conf)
        return region_config(tools)

    assert region_config(tools).mode == "none", "as MAAS has it, without the file of its mode"
    found = told(plain)
    assert (found.mode, found.database, found.password, found.port) == ("region+rack", "maas", "pW1-x_y.z", "")
    assert found.url == "http://10.0.0.1:5240/MAAS"
    assert HIDDEN in tools.redaction.line("it is pW1-x_y.z")
    for odd in (
        "database_pass: 'a: b'\n",
        'database_pass: "\\x41"\n',
        "database_pass: a b\n",
        "- x\n",
        "database_pass:\n",
    ):
        assert told(plain + odd).mode == "rack", odd
    assert told(plain, "none").mode == "rack"
    assert told("maas_url: http://x/MAAS\n").mode == "rack"
