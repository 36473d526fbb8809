"""What holds for every test: where everything is required, nothing is skipped; PostgreSQL is there for the asking."""

import logging

import structlog

from tests.support.postgres import postgres, postgres_url
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["postgres", "postgres_url", "pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_configure() -> None:
    """Library code logs through structlog; unconfigured it would print every call to standard output."""
    logging.basicConfig(level=logging.WARNING)
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer(key_order=["event"])],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
