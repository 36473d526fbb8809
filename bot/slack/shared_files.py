"""Long files that people shared, for work that reads them when its turn comes: hours later, or after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.operations.steps import StepAgainError, StepFailedError
from bot.slack.outbound import Outbound, SlackError, SlackUnavailable

_GONE = frozenset({"file_not_found", "file_deleted"})


class SlackFiles:
    """Reads them from Slack, each time anew: nothing of them is kept."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    @asynccontextmanager
    async def opened(self, file_id: str, name: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The content of a file, as it arrives.

        Raises:
            StepFailedError: Slack does not give it.
            StepAgainError: Slack is away for the moment.
        """
        try:
            file = await self._outbound.file_info(file_id)
            url = str(file.get("url_private_download") or file.get("url_private") or "")
            if not url or file.get("is_external"):
                raise StepFailedError(f"{name} is not kept by Slack itself.", "Share the file, not a link to it.")
            async with self._outbound.opened_file(url) as stream:
                yield stream
        except SlackUnavailable as error:
            raise StepAgainError(f"{name} can't be read from Slack ({error.code}).") from None
        except SlackError as error:
            if error.code in _GONE:
                raise StepFailedError(f"{name} is no longer in Slack.", "Share it again, then ask again.") from None
            raise StepFailedError(
                f"Slack does not give {name}: {error.reason} ({error.code}).", "Mend that, then retry."
            ) from None
