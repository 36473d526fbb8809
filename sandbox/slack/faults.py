"""What can go wrong on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_CATALOG: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    (
        "rate-limit",
        "The next calls are answered 429 with Retry-After",
        {"method": "*", "times": 1, "retry_after": 1},
    ),
    (
        "server-error",
        "The next calls are answered with a 5xx and no JSON",
        {"method": "*", "times": 1, "status": 503},
    ),
    (
        "drop-answer",
        "The next calls take effect, but the connection drops before the answer",
        {"method": "*", "times": 1},
    ),
    ("disconnect", "All sockets are closed now (mode: refresh, or abrupt)", {"mode": "refresh"}),
    ("refuse-socket", "No new socket is handed out for some seconds", {"seconds": 10}),
    ("lost-ack", "The next acknowledgements are lost on the way", {"times": 1}),
    ("redeliver", "Every event is delivered twice", {}),
    ("slow", "Every Web API call takes this much longer", {"seconds": 2, "method": "*"}),
    ("revoke-token", "The bot token is no longer accepted", {"error": "token_revoked"}),
    ("missing-scope", "The bot token lacks a scope", {"scope": "chat:write"}),
    ("no-native-blocks", "The workspace does not have the newer blocks: invalid_blocks", {}),
    ("paid-teams-only", "User groups are refused, as on a free plan", {}),
    ("bad-signature", "Deliveries over HTTP carry a wrong signature", {}),
    ("channel-archived", "A channel is archived", {"channel": "C0OPS"}),
    ("bot-removed", "The bot is not a member of a channel any more", {"channel": "C0OPS"}),
)


@dataclass(slots=True)
class _Fault:
    params: dict[str, Any]
    left: int | None = None
    until: float | None = None


@dataclass(slots=True)
class Faults:
    """The faults that are on. `set` switches one on, `clear` off; those with `times` end by themselves.

    `times=0` means until cleared. `method` is a Web API method's name or `*`.
    """

    clock: Callable[[], float]
    _active: dict[str, _Fault] = field(default_factory=dict)
    _now: dict[str, Callable[[Mapping[str, Any]], None]] = field(default_factory=dict)

    def catalog(self) -> list[tuple[str, str]]:
        """Every fault's name and what it does."""
        return [(name, description) for name, description, _defaults in _CATALOG]

    def defaults(self, name: str) -> dict[str, Any]:
        """The parameters that `set` takes for this fault, with their default values.

        Raises:
            KeyError: there is no such fault.
        """
        for known, _description, defaults in _CATALOG:
            if known == name:
                return dict(defaults)
        raise KeyError(name)

    def set(self, name: str, **params: Any) -> None:
        """Switch a fault on, or, for `disconnect`, do it now.

        Raises:
            KeyError: there is no such fault.
            TypeError: the fault takes no such parameter.
        """
        merged = self.defaults(name)
        unknown = set(params) - set(merged)
        if unknown:
            raise TypeError(f"{name} takes no {', '.join(sorted(unknown))}")
        merged.update(params)
        if name in self._now:
            self._now[name](merged)
            return
        fault = _Fault(merged)
        if merged.get("times"):
            fault.left = int(merged["times"])
        if name == "refuse-socket":
            fault.until = self.clock() + float(merged["seconds"])
        self._active[name] = fault

    def clear(self, name: str | None = None) -> None:
        """Switch one fault off, or all."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)

    def active(self) -> dict[str, dict[str, Any]]:
        """The faults that are on, with their parameters (`times` counts down)."""
        for name in list(self._active):
            self.on(name)
        return {
            name: {**fault.params, **({"times": fault.left} if fault.left is not None else {})}
            for name, fault in self._active.items()
        }

    def when(self, name: str, act: Callable[[Mapping[str, Any]], None]) -> None:
        """Register what a fault that happens at once does."""
        self._now[name] = act

    def on(self, name: str) -> dict[str, Any] | None:
        """The fault's parameters if it is on, without using it up."""
        fault = self._active.get(name)
        if fault is None:
            return None
        if fault.until is not None and self.clock() >= fault.until:
            del self._active[name]
            return None
        return fault.params

    def use(self, name: str, method: str | None = None) -> dict[str, Any] | None:
        """The fault's parameters if it applies to this call, and one time less of it afterwards."""
        params = self.on(name)
        if params is None or (method is not None and params.get("method", "*") not in {"*", method}):
            return None
        fault = self._active[name]
        if fault.left is not None:
            fault.left -= 1
            if fault.left <= 0:
                del self._active[name]
        return params
