"""The step that stops an import."""

from __future__ import annotations

from bot.operations.steps import OperationStep, StepContext


class Stop(OperationStep):
    """No import runs. MAAS hears a stop between two parts of 10 MiB, and drops what is half there."""

    key, title = "stop", "The import"
    patience = 600.0

    async def check(self, context: StepContext) -> str | None:
        """None runs."""
        return None if (await context.region.imports.look()).phase.importing else "stopped"

    async def apply(self, context: StepContext) -> None:
        """Order it."""
        await context.region.api.stop_import()
        context.note("Told to stop; it hears that when the next 10 MiB have arrived.")

    def overdue(self) -> str:
        """It did not hear."""
        return "The import was told to stop and did not within 10 minutes: nothing arrives, so it does not hear it."
