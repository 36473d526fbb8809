"""What every step is: its fields, a look, an act that is safe to repeat after a look, and a look again."""

from __future__ import annotations

from typing import Any

from bot.host.helper.base import Stopped
from bot.host.helper.fields import Fields
from bot.host.helper.programs import Tools


class Step:
    """One thing that can be done to a host. Looks change nothing."""

    name = ""
    fields = Fields()
    #: The secrets without which it can't act.
    secrets: tuple[str, ...] = ()

    def read(self, arguments: Any) -> dict[str, Any]:
        """Its arguments, checked; with what holds between them."""
        return self.fields.read(arguments)

    def need(self, tools: Tools) -> None:
        """Stop when a secret is missing: it was lost with the host's memory, or never sent."""
        for name in self.secrets:
            if name not in tools.secrets:
                raise Stopped("failed", f"the secret {name} did not arrive", "Take it up again: retry.")

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        raise NotImplementedError

    def verify(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        return self.look(tools, given)
