"""What goes in comes out, whatever it is made of; secrets never go in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import audit
from bot.audit import Audit, Entry
from bot.audit.chain import check_lines
from bot.audit.record import Record
from bot.audit.redaction import Cleaner
from bot.storage import Database
from bot.telemetry import Redactor
from tests.audit.conftest import KNOWN_SECRET
from tests.audit.kit import entry, rows, sync_url

#: All of Unicode: control characters, NUL, lone surrogates, markup and what looks like another record.
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=40),
    st.sampled_from(
        ["<!channel>", "a\x00b", "\r\n", "\x1b[31mred", "\ud800", "\u202egnp.exe", '{"seq":1}', "' OR 1=1 --"]
    ),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
ENTRIES = st.builds(
    Entry, kind=st.sampled_from(["operation.planned", "break_glass"]), person_id=TEXTS, person_name=TEXTS,
    team_id=TEXTS, channel=TEXTS, link=TEXTS, operation_id=TEXTS, region=TEXTS,
    subjects=st.lists(TEXTS, max_size=4).map(tuple), words=TEXTS, details=st.dictionaries(TEXTS, VALUES, max_size=4),
)  # fmt: skip


def cleaned(one: Entry) -> Entry:
    """What the audit keeps of an entry; for most it is the entry itself."""
    cleaner = Cleaner(Redactor([KNOWN_SECRET]))
    names = ("kind", "person_id", "person_name", "team_id", "channel", "link", "operation_id", "region", "words")
    texts = {name: cleaner.text(getattr(one, name)) for name in names}
    return Entry(**texts, subjects=tuple(map(cleaner.text, one.subjects)), details=cleaner.value(one.details))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=ENTRIES, now=st.floats(0, 4e9))
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_round_trip(kind: str, one: Entry, now: float, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    sqlite = f"sqlite:///{tmp_path / 'round.sqlite'}"
    database = Database(sqlite if kind == "sqlite" else sync_url(request.getfixturevalue("postgres_url")))
    try:
        from bot.audit.verifier import Verifier
        from bot.tables import audit_records, metadata

        database.run_blocking(metadata.create_all)
        seq = database.run_blocking(lambda connection: audit.append(connection, one, now))
        row = database.run_blocking(
            lambda connection: connection.execute(audit_records.select().where(audit_records.c.seq == seq))
            .mappings().one()
        )  # fmt: skip
        record = Record.of(row)
        assert record.entry == cleaned(one)
        assert abs(record.moment.timestamp() - now) < 2e-6
        assert Record.from_line(record.line()) == record
        assert "\n" not in record.line()
        assert check_lines([record.line()]).whole
        import asyncio

        assert asyncio.run(Verifier(database).all()).whole
    finally:
        database.close()


SECRETS = [
    ("a Slack token", {"words": "use xoxb-1234567890-abcdefghij"}, "xoxb-1234567890-abcdefghij"),
    ("a known secret", {"words": f"login with {KNOWN_SECRET}"}, KNOWN_SECRET),
    ("a known secret in a list", {"details": {"steps": [["x", {"tail": f"<{KNOWN_SECRET}>"}]]}}, KNOWN_SECRET),
    ("a known secret as a name", {"details": {KNOWN_SECRET: 1}}, KNOWN_SECRET),
    ("a known secret as a machine", {"subjects": (KNOWN_SECRET,)}, KNOWN_SECRET),
    ("a known secret as a person", {"person_name": KNOWN_SECRET}, KNOWN_SECRET),
    ("a MAAS key", {"words": "region add AbCdEfGhIjKlMnOpQr:AbCdEfGhIjKlMnOpQr:" + "Ab12" * 8}, "Ab12" * 8),
    ("a password option", {"words": "power set node-3 --power-password hunter2"}, "hunter2"),
    ("a power parameter", {"words": "power set node-3 power_pass=hunter2"}, "hunter2"),
    ("a quoted one", {"words": "set --password='hunter2 two'"}, "hunter2"),
    ("a named detail", {"details": {"power_parameters": {"address": "10.0.0.9", "pass": "hunter2"}}}, "hunter2"),
    ("a named detail deep down", {"details": {"a": [{"api_key": "hunter2"}]}}, "hunter2"),
    ("JSON in a text", {"details": {"body": '{"password": "hunter2"}'}}, "hunter2"),
    ("a URL", {"details": {"proxy": "http://olga:hunter2@proxy:3128"}}, "hunter2"),
    ("a private key", {"words": "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"}, "hunter2"),
    ("an object", {"details": {"error": ValueError(f"bad {KNOWN_SECRET}")}}, KNOWN_SECRET),
]  # fmt: skip


@pytest.mark.parametrize(("values", "secret"), [case[1:] for case in SECRETS], ids=[case[0] for case in SECRETS])
async def test_secrets_are_never_stored(sqlite: Database, values: dict[str, Any], secret: str) -> None:
    await Audit(sqlite).append(entry(**values))
    await sqlite.run(lambda connection: connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)"))
    stored = str(await rows(sqlite))
    assert "[redacted]" in stored
    assert secret not in stored
    assert secret.encode() not in Path(sqlite.url.database or "").read_bytes()
    assert (await Audit(sqlite).verify()).whole


@pytest.mark.parametrize(
    "words",
    [
        "release node-3",
        "power cycle node-3 --reason 'the password was changed'",
        "machines tag:secret-lab",
        "op op-4k2f",
    ],
)
async def test_what_is_no_secret_is_kept_letter_by_letter(sqlite: Database, words: str) -> None:
    await Audit(sqlite).append(entry(words=words))
    record = Record.of((await rows(sqlite))[0])
    assert record.entry.words == words


async def test_anything_can_be_a_detail(sqlite: Database) -> None:
    deep: dict[str, Any] = {}
    at = deep
    for _ in range(3000):
        at["in"] = {}
        at = at["in"]
    await Audit(sqlite).append(
        entry(details={"nan": float("nan"), "set": {"b", "a"}, 7: ("x",), "path": Path("/x"), "d": deep})
    )
    said = Record.of((await rows(sqlite))[0]).entry.details
    assert said["nan"] == "nan"
    assert said["set"] == ["a", "b"]
    assert said["7"] == ["x"]
    assert said["path"] == "/x"


@pytest.mark.parametrize(
    "text", ["x" * 200_000, "-" * 200_000, "password=" * 20_000, "password='" * 20_000, "a:" * 100_000]
)
def test_cleaning_takes_its_time_by_the_length_alone(text: str) -> None:
    began = time.perf_counter()
    Cleaner(Redactor([KNOWN_SECRET])).text(text)
    assert time.perf_counter() - began < 2.0
