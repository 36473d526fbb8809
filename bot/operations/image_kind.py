"""What all kinds of work on images share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.maas.images import ImageName
from bot.maas.service import RegionService
from bot.operations.image_evidence import Evidence
from bot.operations.image_words import listing
from bot.operations.plan import Plan, Target
from bot.operations.steps import StepKind
from bot.policy import Risk

#: Images, what is wanted of them and their sources: one operation at a time.
_LOCKS = ("images",)


class ImageKind(StepKind):
    """What all of them share."""

    def _plan(self, region: RegionService, options: Mapping[str, Any], title: str, **more: Any) -> Plan:
        # The states of steps go into the fingerprint. How far an import is does not belong there: it moves on.
        doing = {
            "free": "waited for, if one runs",
            "source": "will be MAAS's own again",
            "select": "will be made",
            "keep": "what is there will be selected again",
            "deselect": "will be taken back",
            "import": "will be ordered and followed to its end",
            "delete": "will be deleted",
            "ready": "will be looked at",
            "upload": "will be uploaded",
            "stop": "will be told to stop",
        }
        wanted = more.pop("only", None)
        targets = [
            Target(step.key, step.title, doing[step.key])
            for step in self.steps(options)
            if wanted is None or step.key in wanted
        ]
        plan = Plan(
            kind=self.name,
            risk=Risk.CHANGE,
            region=region.name,
            title=title,
            targets=tuple(targets),
            steps=(),
            options=dict(options),
            subject="images",
            locks=_LOCKS,
        )
        return replace(plan, **more)


def deletes(evidence: Evidence, besides: ImageName | None = None) -> tuple[str, ...]:
    """What an import deletes because it is no longer selected."""
    doomed = [name for name in evidence.doomed if name != besides]
    return (f"An import deletes what is not selected: {listing(doomed, 8)}.",) if doomed else ()
