"""What the bot remembers of weeks: the fleet's states over time, and what operations came to."""

from bot.history.fleet_history import FleetHistory, Sample
from bot.history.outcomes import Failures, KindOutcome, Outcomes

__all__ = ["Failures", "FleetHistory", "KindOutcome", "Outcomes", "Sample"]
