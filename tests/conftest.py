"""What holds for every test: where everything is required, nothing is skipped; PostgreSQL is there for the asking."""

import logging

import pytest
import structlog

from tests.support.postgres import postgres, postgres_url
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["postgres", "postgres_url", "pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_configure() -> None:
    """Library code logs through structlog; unconfigured it would print every call to standard output."""
    logging.basicConfig(level=logging.WARNING)
    # DBOS would give its logger one that holds the standard error of the first test that starts a bot, which is closed
    # where that test captures it: every bot of the process would fail to start from then on.
    logging.getLogger("dbos").addHandler(logging.NullHandler())
    _quiet()


@pytest.fixture(autouse=True)
def _logs_as_configured() -> None:
    """A test that configures structlog for itself, or runs what does, leaves nothing of it to the next."""
    _quiet()


def _quiet() -> None:
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
