"""Every kind of operation has its row, so that none is left out of what is tested of all of them."""

from __future__ import annotations

from bot.operations.all_kinds import all_kinds
from tests.chaos.deadly import boundaries
from tests.chaos.orders import ORDERS, batches


def test_each_kind_has_a_row_of_test_data() -> None:
    known = {kind.name for kind in all_kinds()}
    assert known - set(ORDERS) == set(), "kinds without a row in tests/chaos/orders.py"
    assert set(ORDERS) - known == set(), "rows of kinds that there are no more"
    assert sorted(kind for batch in batches() for kind in batch) == sorted(ORDERS)


def test_the_boundaries_come_from_the_steps_of_each_kind() -> None:
    for kind in all_kinds():
        found = boundaries(kind, ["one", "two"])
        assert len(found) == len(set(found))
        assert len(found) >= 10, f"{kind.name} has no step between its begin and its finish: {found}"
