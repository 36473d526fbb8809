"""Pytest's hooks that turn every skip into a failure where everything is required (see require.py)."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.support.require import REQUIRE_ALL, all_required


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a test that skipped, in its body, a fixture or by a mark, as failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and all_required():
        report.outcome = "failed"
        report.longrepr = _explained(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Report a module that skipped as a whole as failed."""
    report = yield
    if report.skipped and all_required():
        report.outcome = "failed"
        report.longrepr = _explained(report)
    return report


def _explained(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return f"{reason.removeprefix('Skipped: ')} (a skip is a failure: {REQUIRE_ALL} is set)"
