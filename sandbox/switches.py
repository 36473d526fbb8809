"""Faults that are switched on and off by name, with parameters and a number of times. Each stand-in has its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Set
from typing import Any, ClassVar, Generic, Protocol, TypeVar


class Countable(Protocol):
    """A fault; `count` None: until it is switched off."""

    name: str
    count: int | None


F = TypeVar("F", bound=Countable)


class Switches(ABC, Generic[F]):
    """The faults that are on. Several can be on at a time; each name at most once."""

    #: Names and what they do, and the parameters that `set` takes.
    known: ClassVar[Mapping[str, str]]
    parameters: ClassVar[Set[str]]

    def __init__(self) -> None:
        self._active: dict[str, F] = {}
        self._listeners: list[Callable[[], None]] = []

    @abstractmethod
    def _made(self, name: str, params: dict[str, Any]) -> F:
        """The fault of that name."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Calls `listener` after every change."""
        self._listeners.append(listener)

    def catalog(self) -> list[tuple[str, str]]:
        """Names and descriptions of all faults."""
        return list(self.known.items())

    def set(self, name: str, **params: Any) -> None:
        """Switches a fault on (or anew, with other parameters).

        Raises:
            ValueError: no fault, or no parameter, has this name.
        """
        if name not in self.known:
            raise ValueError(f"no fault is called {name!r}")
        if unknown := params.keys() - self.parameters:
            raise ValueError(f"no parameter is called {', '.join(sorted(unknown))}")
        self._active[name] = self._made(name, params)
        self._changed()

    def clear(self, name: str | None = None) -> None:
        """Switches one fault off, or all."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)
        self._changed()

    def active(self) -> dict[str, dict[str, Any]]:
        """Names of the faults that are on, with the number of times that are left."""
        return {name: {} if one.count is None else {"count": one.count} for name, one in self._active.items()}

    def is_active(self, name: str) -> bool:
        """Whether a fault is on."""
        return name in self._active

    def peek(self, name: str) -> F | None:
        """The fault, without counting."""
        return self._active.get(name)

    def _taken_if(self, name: str, concerned: Callable[[F], bool]) -> F | None:
        """The fault if it is on and concerns this; counts it."""
        fault = self._active.get(name)
        if fault is None or not concerned(fault):
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                del self._active[name]
        return fault

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()
