"""When a read is asked again, and after how long: full jitter, so that many askers do not knock together."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from bot.maas.errors import GatewayTimeout, MaasError, RegionBusy, RegionTimeout, RegionUnreachable
from bot.maas.exchange import Kind


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `attempts`, none of them begun more than `deadline` seconds after the first."""

    attempts: int = 4
    deadline: float = 30.0
    #: The first wait is between 0 and this many seconds; the bound doubles up to `longest`.
    base: float = 0.25
    longest: float = 4.0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def wait(self, attempt: int, elapsed: float, error: MaasError, kind: Kind) -> float | None:
        """Seconds to wait before trying again after `attempt` (counted from 1) failed; None to give up."""
        if attempt >= self.attempts or not may_repeat(error, kind):
            return None
        bound = min(self.longest, self.base * 2.0 ** (attempt - 1))
        seconds = max(self.chance.uniform(0.0, bound), error.retry_after or 0.0)
        return seconds if elapsed + seconds <= self.deadline else None

    def backoff(self, failures: int, shortest: float, longest: float) -> float:
        """Seconds until the next look at a region that failed `failures` times in a row."""
        bound = min(longest, shortest * 2.0 ** min(failures, 16))
        return self.chance.uniform(shortest / 2.0, max(bound, shortest))


def may_repeat(error: MaasError, kind: Kind) -> bool:
    """Whether asking again can help and can't harm. Changes are never sent twice."""
    if kind is Kind.WRITE:
        return False
    if isinstance(error, RegionTimeout):
        # The region is slow, and asking again would make it slower.
        return False
    if isinstance(error, RegionUnreachable):
        return True
    # A BMC's time-out took a minute and a missing rack stays missing: the asker should hear of it now.
    return isinstance(error, RegionBusy | GatewayTimeout) and kind is not Kind.POWER
