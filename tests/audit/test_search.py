"""Finding records, and the chain over what was found."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot import audit
from bot.audit import Audit, Query, parse_since
from bot.audit.chain import BATCH
from bot.storage import Database
from tests.audit.kit import entry, fill, force


@pytest.fixture
async def told(database: Database) -> Audit:
    """Six records about two machines by two people."""
    now = iter(range(1_700_000_000, 1_800_000_000, 3600))
    service = Audit(database, clock=lambda: float(next(now)))
    await service.append(entry(operation_id="op-aaaa"))
    await service.append(
        entry("operation.approved", person_id="U0ANDREA", person_name="Andrea M", operation_id="op-aaaa")
    )
    await service.append(entry("operation.started", person_id="", person_name="", operation_id="op-aaaa"))
    await service.append(entry(operation_id="op-bbbb", subjects=("node-30", 'no"de')))
    await service.append(entry(operation_id="op-bbbb", subjects=("100%_x",)))
    await service.append(entry("policy.loaded", person_id="", person_name="", operation_id="", subjects=()))
    return service


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), [6, 5, 4, 3, 2, 1]),
        (("node-3",), [3, 2, 1]),
        (("NODE-3",), [3, 2, 1]),
        (("node-30",), [4]),
        (("node",), []),
        (('no"de',), [4]),
        (("100%_x",), [5]),
        (("%",), []),
        (("100%%x",), []),
        (("U0OLGA",), [5, 4, 1]),
        (("<@U0OLGA|olga>",), [5, 4, 1]),
        (("olga",), [5, 4, 1]),
        (("andrea m",), [2]),
        (("op-AAAA",), [3, 2, 1]),
        (("op-aaaa", "U0ANDREA"), [2]),
        (("' OR 1=1 --",), []),
        (("\x00",), []),
    ],
)
async def test_words(told: Audit, words: tuple[str, ...], wanted: list[int]) -> None:
    page = await told.search(Query(words))
    assert [record.seq for record in page.records] == wanted
    assert page.total == len(wanted)
    assert page.checked.whole


async def test_since_and_pages(told: Audit) -> None:
    since = 1_700_000_000.0 + 3 * 3600
    assert [record.seq for record in (await told.search(Query(since=since))).records] == [6, 5, 4]
    page = await told.search(Query(), limit=2, offset=2)
    assert ([record.seq for record in page.records], page.total) == ([4, 3], 6)


async def test_what_lies_between_the_records_shown_is_checked_too(database: Database, told: Audit) -> None:
    await force(database, "UPDATE audit_records SET kind = 'x' WHERE seq = 2")
    page = await told.search(Query(("node-3",)))
    assert page.checked.broken == audit.Break(2, "record 2 was changed: kind")
    page = await told.search(Query(("U0OLGA",)))
    assert page.checked.broken is not None
    assert (await told.search(Query(("op-bbbb",)))).checked.whole
    await force(database, "DELETE FROM audit_records WHERE seq = 3")
    page = await told.search(Query(("op-bbbb",)))
    assert page.checked.whole, "the record before is gone: that belongs to another page"


async def test_over_a_long_stretch_the_records_shown_are_checked_alone(sqlite: Database) -> None:
    await fill(sqlite, 1, words="first", subjects=("far",))
    await fill(sqlite, 4 * BATCH + 5)
    await fill(sqlite, 1, subjects=("far",))
    service = Audit(sqlite)
    page = await service.search(Query(("far",)))
    assert page.total == 2
    assert page.checked.whole
    assert not page.between
    await force(sqlite, "UPDATE audit_records SET record = replace(record, 'first', 'fakes') WHERE seq = 1")
    page = await service.search(Query(("far",)))
    assert page.checked.broken == audit.Break(1, "record 1 was changed")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("24h", 1_700_000_000 - 86400),
        ("90 m", 1_700_000_000 - 5400),
        ("2023-11-01", datetime(2023, 11, 1, tzinfo=UTC).timestamp()),
        ("2023-11-01T08:00", datetime(2023, 11, 1, 8, tzinfo=UTC).timestamp()),
        ("2023-11-01T08:00+09:00", datetime(2023, 10, 31, 23, tzinfo=UTC).timestamp()),
    ],
)
def test_since_as_people_write_it(text: str, wanted: float) -> None:
    assert parse_since(text, 1_700_000_000.0) == wanted


@pytest.mark.parametrize("text", ["", "yesterday", "0h", "24", "2023-13-01", "99999999999999999d"])
def test_since_that_means_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="write how long ago"):
        parse_since(text, 1_700_000_000.0)
