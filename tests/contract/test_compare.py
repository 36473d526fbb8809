"""The comparison itself: what it must notice."""

from __future__ import annotations

import pytest

from tests.contract.compare import differences, plain

RECORDED = {"id": 1, "name": "a", "locked": False, "disks": [{"size": 5}], "owner": "admin"}


@pytest.mark.parametrize(
    "given",
    [
        {**RECORDED, "more": 1},
        {k: v for k, v in RECORDED.items() if k != "name"},
        {**RECORDED, "id": "1"},
        {**RECORDED, "locked": 0},
        {**RECORDED, "name": None},
        {**RECORDED, "disks": {}},
        {**RECORDED, "disks": [{"size": "5"}]},
        {**RECORDED, "disks": [{"length": 5}]},
        [RECORDED],
        None,
    ],
)
def test_a_difference_in_shape_is_noticed(given: object) -> None:
    assert differences(RECORDED, given)


@pytest.mark.parametrize(
    "given",
    [
        {**RECORDED, "id": 7, "name": "b"},
        {**RECORDED, "owner": None},
        {**RECORDED, "disks": []},
        {**RECORDED, "disks": [{"size": 1}, {"size": 2}]},
    ],
)
def test_other_values_of_the_same_shape_are_the_same(given: object) -> None:
    assert differences(RECORDED, given) == []


def test_texts_differ_in_ids_only() -> None:
    assert plain("now 1795334213") == plain("now 1895334213")
    assert plain("string: 'Invalid signature. Expected signature base string: &abc'") == plain(
        "string: 'Invalid signature. Expected signature base string: &xyz'"
    )
    assert plain("Machine is not locked") != plain("Machine is already locked")
