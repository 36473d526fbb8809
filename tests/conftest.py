"""What holds for every test: where everything is required, nothing is skipped; PostgreSQL is there for the asking."""

from tests.support.postgres import postgres, postgres_url
from tests.support.skips import pytest_make_collect_report, pytest_runtest_makereport

__all__ = ["postgres", "postgres_url", "pytest_make_collect_report", "pytest_runtest_makereport"]
