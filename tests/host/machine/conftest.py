"""Machines for tests: one a module, or as many as a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.host_machine import Machine
from tests.support.host_tree import TreeError, tree
from tests.support.require import missing

MachineMaker = Callable[[], Machine]


@pytest.fixture(scope="module")
def make_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MachineMaker]:
    """Makes machines that are up, and takes them away after the module's tests."""
    try:
        tree()
    except TreeError as error:
        missing(f"the integration host: {error}")
    made: list[Machine] = []
    with ExitStack() as stack:

        def make() -> Machine:
            machine = Machine(Path(tmp_path_factory.mktemp("machine")), len(made))
            made.append(machine)
            stack.callback(machine.stop)
            machine.create()
            machine.start()
            return machine

        yield make


@pytest.fixture(scope="module")
def machine(make_machine: MachineMaker) -> Machine:
    """A machine with the helper on it."""
    made = make_machine()
    made.install_helper()
    return made
