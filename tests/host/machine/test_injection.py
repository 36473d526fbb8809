"""Every text that a person can type, to the helper as it runs on a real machine, as root: refused, or taken as data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.host.helper import maas_users
from bot.host.protocol import HELPER_PATH
from tests.host.test_protocol import QUERIES, STEPS
from tests.support.host_machine import Machine

pytestmark = pytest.mark.timeout(600)

MARK = "/var/tmp/it-was-run"
#: What would leave the mark if anything took it for more than text; and what looks like an option.
HOSTILE = [
    f"$(touch {MARK})", f"`touch {MARK}`", f"'; touch {MARK}; '", f'"; touch {MARK}; "', f"maas\ntouch {MARK}\n",
    f"maas; touch {MARK}", f"maas | touch {MARK}", f"maas\0; touch {MARK}", f"\\! touch {MARK}",
    f"'; COPY (SELECT 1) TO PROGRAM 'touch {MARK}'; --", f"-oProxyCommand=touch {MARK}", f"--option=touch {MARK}",
    "--help", "-v", "../../../etc/shadow", "/etc/shadow", "~root/.ssh/id_rsa", "${IFS}", "%s%n", "\u202esaam",
    "ｍａａｓ", "é", "\u2028", "a" * 5000, "",
]  # fmt: skip
#: Runs on the machine as root: the installed program, which answers each line of standard input as it would by itself.
_ALL = f"""
import io, sys
from importlib.machinery import SourceFileLoader
step = SourceFileLoader("step", "{HELPER_PATH}").load_module()
for line in sys.stdin.buffer:
    step.serve(step.Place(), io.BytesIO(line), sys.stdout.buffer)
"""


def asked(verb: str, name: str, required: list[str], field: str, text: str) -> dict[str, Any]:
    values = dict.fromkeys(required, "maas") | {field: text}
    kind = {"check": "step", "query": "query", "secret": "query"}[verb]
    return {"protocol": 1, "verb": verb, kind: name, "arguments": values}


def requests() -> list[tuple[dict[str, Any], bool]]:
    """All fields of all steps, questions and secrets with all of these; and whether it may be taken as data."""
    found: list[tuple[dict[str, Any], bool]] = []
    for text in HOSTILE:
        for name, step in STEPS.items():
            fields = [*step.fields.required, *step.fields.optional]
            found += [(asked("check", name, list(step.fields.required), field, text), False) for field in fields]
        for name, query in QUERIES.items():
            fields = [*query.fields.required, *query.fields.optional]
            found += [
                (asked("query", name, list(query.fields.required), field, text), field == "grep") for field in fields
            ]
        found += [
            (asked("secret", "apikey", list(maas_users.APIKEY_FIELDS.required), "username", text), False),
            ({"protocol": 1, "verb": "status", "job": text}, False),
            ({"protocol": 1, "verb": "log", "job": text}, False),
            ({"protocol": 1, "verb": "run", "job": text, "step": "snapd", "arguments": {}}, False),
            ({"protocol": 1, "verb": "run", "job": "op-x-1", "step": text, "arguments": {}}, False),
            ({"protocol": 1, "verb": "query", "query": text}, False),
            ({"protocol": 1, "verb": text}, False),
        ]
    return found


def test_no_text_is_more_than_text(machine: Machine) -> None:
    wanted = requests()
    assert len(wanted) > 500
    log = machine.files / "var/snap/maas/common/log"
    log.mkdir(parents=True)
    (log / "maas.log").write_text("2026-05-02 11:12:58 maas: [info] all is well\n")
    lines = "".join(json.dumps(request) + "\n" for request, _ in wanted)
    said = machine.root("python3", "-W", "ignore", "-c", _ALL, stdin=lines, timeout=300)
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == len(wanted)
    for (request, may_be_data), answer in zip(wanted, answers, strict=True):
        told = json.dumps(request)[:300]
        error = answer.get("error")
        if may_be_data and error is None:
            assert answer["result"]["lines"] in ([], ["2026-05-02 11:12:58 maas: [info] all is well"]), told
            continue
        assert error is not None, f"taken: {told}"
        assert error["code"] == "bad_request" or (may_be_data and error["code"] == "unavailable"), (told, error)
    assert not (machine.files / MARK.lstrip("/")).exists()
    assert not machine.result(verb="jobs"), "nothing was begun"


def test_a_secret_is_any_text_of_one_line(machine: Machine) -> None:
    """It goes to programs by standard input: what a shell or SQL would trip over is tried in every install here."""
    for text, well in (
        (f"$(touch {MARK})", True),
        (f"'; touch {MARK} #\"`", True),
        ("two\nlines", False),
        ("a\0b12345", False),
    ):
        request = {"verb": "check", "step": "role-create", "arguments": {"role": "maas"}}
        answer = machine.ask(**request, secrets={"database_password": text})
        assert (answer.get("error") is None) is well, (text, answer)
        assert text not in json.dumps(answer)
    assert not (machine.files / MARK.lstrip("/")).exists()
