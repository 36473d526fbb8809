"""Logs by name, without secrets, and searches that can neither run away nor guess."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bot.host.helper.base import Place, Refused
from bot.host.helper.logs import LOG_FIELDS, log, logs, matching, moment
from bot.host.helper.programs import Tools
from bot.host.helper.redaction import HIDDEN, Redaction

API_KEY = "GkhYpKhfJ5dqVQ8g2a:h7gwb5Rp7Jk8kqLJ2n:s3Vw2kqzX8YtB4dNfR6mPc9LhJgTe5Ua"


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    (tmp_path / "var/snap/maas/common/log").mkdir(parents=True)
    return Tools(Place(root=str(tmp_path), path="/usr/bin:/bin", become=False))


def write(tools: Tools, name: str, text: str | bytes) -> None:
    path = Path(tools.place.at(f"/var/snap/maas/common/log/{name}.log"))
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def ask(tools: Tools, **arguments: Any) -> list[str]:
    lines: list[str] = log(tools, LOG_FIELDS.read(arguments))["lines"]
    return lines


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("dsn postgres://maas:s3cr%27t@localhost/maas", "s3cr%27t"),
        (f"key {API_KEY} used", API_KEY),
        ("ERROR: CREATE USER maas WITH ENCRYPTED PASSWORD 'pass''word'", "pass''word"),
        ('Authorization: OAuth oauth_token="abc", oauth_signature="%26def"', "abc"),
        ("GET /?oauth_signature=%26geheim&x=1", "geheim"),
        ("database_pass: Tr0ub4dor", "Tr0ub4dor"),
        ('{"power_pass": "calvin", "x": 1}', "calvin"),
        ("power_parameters={'power_user': 'root', 'power_password': 'calvin'}", "calvin"),
        ("ipmipower -h 10.0.0.9 -u root -P calvin --stat", "calvin"),
        ("shared_secret=deadbeef", "deadbeef"),
        ("rpc api_key = 'zzz'", "zzz"),
        ("https://user:hunter2@mirror/ubuntu", "hunter2"),
    ],
)
def test_what_has_the_form_of_a_secret_is_hidden(line: str, secret: str):
    clean = Redaction().line(line)
    assert secret not in clean
    assert HIDDEN in clean


@pytest.mark.parametrize(
    "line",
    [
        "2026-05-02 11:12:58 regiond: [info] 10.0.0.1 GET /MAAS/api/2.0/version/ HTTP/1.1 --> 200 OK",
        "Node changed status: From 'Ready' to 'Deploying'",
        "token bucket is full",
        "[info] passwordless login",
        "http://10.0.0.1:5240/MAAS/rpc/",
    ],
)
def test_ordinary_lines_are_left_as_they_are(line: str):
    assert Redaction().line(line) == line


def test_a_private_key_is_hidden_over_all_its_lines():
    text = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nxyz==\n-----END RSA PRIVATE KEY-----\nb"
    assert Redaction().text(text).split("\n") == ["a", *[HIDDEN] * 4, "b"]


def test_hostile_lines_do_not_hold_the_redaction_up():
    redaction = Redaction()
    begun = time.monotonic()
    for line in (
        "a." * 1000,
        "ipmi " * 400,
        "x://" * 500,
        "password " * 220 + "'",
        "'" * 2000,
        "::" * 1000,
        "-P " * 600,
    ):
        redaction.line(line[:2000])
    assert time.monotonic() - begun < 1


def test_the_last_lines_of_a_log_whatever_bytes_it_holds(tools: Tools):
    write(tools, "regiond", b"one\ntwo \xff\xfe\nthr\xc3\xa9e\npassword=geheim\n")
    assert ask(tools, name="regiond", lines=3) == ["two \ufffd\ufffd", "thrée", "password=" + HIDDEN]
    assert log(tools, LOG_FIELDS.read({"name": "regiond", "lines": 1}))["cut"] is True
    assert [one["name"] for one in logs(tools)["logs"]] == ["regiond"]
    with pytest.raises(Refused) as refused:
        ask(tools, name="rackd")
    assert refused.value.code == "unavailable"
    with pytest.raises(Refused) as refused:
        ask(tools, name="shadow")
    assert refused.value.field == "arguments.name"


def test_a_pattern_is_data_and_never_an_option(tools: Tools):
    write(tools, "maas", "a -v b\n--help\n$(id) `id`\nplain.\nplainX\ngeh\\eim\nüber\n")
    for pattern in ("-v", "--help", "$(id)", "`id`", "\\e", "üb"):
        assert len(ask(tools, name="maas", grep=pattern)) == 1, pattern
    assert ask(tools, name="maas", grep="plain.") == ["plain."]
    assert ask(tools, name="maas", grep="plain.", regex=True) == ["plain.", "plainX"]
    assert ask(tools, name="maas", grep="-f/etc/passwd") == []
    assert ask(tools, name="maas", grep="^(a|g).*", regex=True) == ["a -v b", "geh\\eim"]
    with pytest.raises(Refused) as refused:
        ask(tools, name="maas", grep="(", regex=True)
    assert "arguments.grep" in (refused.value.field or "")


def test_a_search_can_not_guess_at_secrets(tools: Tools):
    write(tools, "regiond", "database_pass: geheim\n")
    assert ask(tools, name="regiond", grep="geheim") == []
    assert ask(tools, name="regiond", grep="pass: g", regex=True) == []
    assert ask(tools, name="regiond", grep="database_pass") == ["database_pass: " + HIDDEN]


def test_a_pattern_that_runs_away_is_stopped(tools: Tools):
    begun = time.monotonic()
    with pytest.raises(Refused) as refused:
        matching(tools, ["a" * 2000] * 3000, r"(.*)(.*)(.*)(.*)(.*)\5\4\3\2\1x", True)
        matching(tools, ["a" * 2000], "((((a{1,250}){1,250}){1,250}){1,250}){1,250}", True)
    assert refused.value.code in ("timeout", "bad_request")
    assert time.monotonic() - begun < 12


def test_since_goes_by_the_lines_own_times(tools: Tools):
    now = time.time()

    def at(back: int, form: str) -> str:
        return time.strftime(form, time.localtime(now - back))

    lines = [
        at(7200, "%Y-%m-%d %H:%M:%S") + " regiond: old",
        "  Traceback of old",
        at(60, "%Y-%m-%d %H:%M:%S") + " regiond: new",
        "  Traceback of new",
        at(30, "%b %e %H:%M:%S") + " host maas.x: newer",
        time.strftime("%Y-%m-%dT%H:%M:%S.123+00:00", time.gmtime(now - 10)) + " newest",
    ]
    write(tools, "regiond", "\n".join(lines))
    assert ask(tools, name="regiond", since=600) == lines[2:]
    assert ask(tools, name="regiond", since=600, grep="Traceback") == ["  Traceback of new"]
    assert moment("2026-13-45 99:99:99 nonsense") is None or True  # never raises
    assert moment("no time") is None
    assert moment("2026-01-02T03:04:05+02:00 x") == moment("2026-01-02T01:04:05Z x")


def test_an_answer_stays_within_bounds(tools: Tools):
    write(tools, "maas", ("y" * 3000 + "\n") * 4000)
    found = log(tools, LOG_FIELDS.read({"name": "maas", "lines": 5000}))
    assert found["cut"] is True
    assert sum(len(line) for line in found["lines"]) < 400_000
    assert {len(line) for line in found["lines"]} == {2000}
