"""The audit: what was asked, by whom and where, who decided, what was done and what came of it.

Records are appended and never changed, each chained to the one before by its hash, in the bot's own database.
"""

from bot.audit.chain import Break, Head, Verification, append
from bot.audit.mirror import mirror_for
from bot.audit.record import Entry, Record
from bot.audit.search import Page, Query, parse_since
from bot.audit.service import Audit, Health, Rhythm

__all__ = [
    "Audit",
    "Break",
    "Entry",
    "Head",
    "Health",
    "Page",
    "Query",
    "Record",
    "Rhythm",
    "Verification",
    "append",
    "mirror_for",
    "parse_since",
]
