"""What a command gets, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.command.beside import Beside
from bot.message import Message
from bot.operations.pacing import Pacing
from bot.people import Identity, Origin

if TYPE_CHECKING:
    from bot.audit import Audit
    from bot.command.declaration import Catalog
    from bot.command.parser import Parser
    from bot.history import FleetHistory
    from bot.maas.service import RegionService
    from bot.operations.service import Operations
    from bot.policy import Policy
    from bot.watches.service import Watches


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a command may use.

    `words` is what the person typed, after clean-up; `reason` and `queue` are the options that every command takes.
    """

    person: Identity
    origin: Origin
    words: str
    reason: str
    queue: bool
    region: RegionService
    regions: tuple[RegionService, ...]
    operations: Operations
    policy: Policy
    catalog: Catalog
    parser: Parser
    audit: Audit
    history: FleetHistory
    watches: Watches
    #: How a bulk is to go about its machines.
    pacing: Pacing = field(default_factory=Pacing)
    #: What came beside the words.
    given: Beside = field(default_factory=Beside)
    #: Whether the person named the region, rather than meaning the usual one.
    region_named: bool = False


class RefusalError(Exception):
    """A command can't be done as asked. Its message is for the person: what, why, what to do next."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.summary)
        self.message = message
