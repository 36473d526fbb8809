"""One message's place on the board."""

from __future__ import annotations

from dataclasses import dataclass

from bot.message import Message
from bot.slack.outbound.ledger import Row


@dataclass(slots=True)
class Entry:
    """One message. `message` is the newest state not yet sent; `shown` the digest of what Slack shows."""

    key: str
    message: Message | None = None
    digest: str = ""
    final: bool = False
    attach: bool = False
    urgent: bool = False
    row: Row | None = None
    shown: str = ""
    #: The digest of the final state that the database holds.
    written: str = ""
    busy: bool = False
    #: The id under which the message is posted anew after somebody deleted it; that is done once.
    anew: str = ""
    failures: int = 0
    last_sent: float = float("-inf")
    not_before: float = float("-inf")

    @property
    def unsent_final(self) -> bool:
        """Whether a final state is waiting or on its way."""
        return self.final and (self.message is not None or self.busy)

    @property
    def ready(self) -> bool:
        """Whether the state can be sent as it is: known where to, written down if final, and new."""
        if self.row is None or self.shown == self.digest or (self.final and self.written != self.digest):
            return False
        return self.row.ts is not None or self.final or bool(self.anew)

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The lowest goes first."""
        return (not self.urgent, not self.final, self.last_sent)
