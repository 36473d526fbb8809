"""What the tests that kill share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.warm import Stable
from tests.support.warm import stable as running_stable


@pytest.fixture(scope="session")
def stable() -> Iterator[Stable]:
    """The process from which bots are forked."""
    with running_stable() as it:
        yield it
