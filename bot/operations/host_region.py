"""Steps that end with the region: it answers, its services run, and the bot has a key for it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from pydantic import SecretStr

from bot.host.facts import QueryName, Services
from bot.host.keyfile import write_secret
from bot.host.vocabulary import ReadyArguments, StepName
from bot.maas.errors import MaasError
from bot.operations.host_steps import JobStep, asked, host_of
from bot.operations.steps import OperationStep, StepContext, StepFailedError

#: Seconds for which MAAS's port is waited for after its services have started.
_READY = 600
#: Seconds for the bot's own view of the region to notice that it is back.
_SEEN = 5.0


class ReadyStep(JobStep):
    """MAAS's API answers: its port comes a while after its services."""

    def __init__(self) -> None:
        arguments = ReadyArguments(timeout=_READY)
        super().__init__("ready", "API", StepName.MAAS_READY, arguments, "wait until it answers")


class KeyStep(OperationStep):
    """The bot's own API key: made by the host's MAAS, kept in a file of the bot's, and used from then on."""

    key = "key"
    title = "The bot's API key"

    def __init__(self, user: str) -> None:
        self._user = user
        self.will = f"ask for a key of {user}, keep it in a file that only the bot can read"

    async def check(self, context: StepContext) -> str | None:
        """Whether the region takes the key that the bot has."""
        try:
            user = await context.region.api.whoami()
        except MaasError:
            return None
        return f"accepted, of {user.username}"

    async def apply(self, context: StepContext) -> None:
        """Ask for a key, write it down, use it."""
        host = host_of(context.region)
        handover = await asked(host.helper.api_key(self._user, mint=True))
        key = SecretStr(handover.secret.get_secret_value().strip())
        try:
            await asyncio.to_thread(write_secret, host.key_file, key)
        except OSError as error:
            raise StepFailedError(
                f"{host.key_file} can't be written ({error.strerror}).", "Make it writable for the bot, then retry."
            ) from None
        context.region.api.use_key(key)
        structlog.get_logger("host").info("api_key_minted", region=context.region.name, user=self._user)

    def overdue(self) -> str:
        """The region does not take the new key."""
        return f"The region does not take the key of {self._user} that its host gave out."


class ForgetKeyStep(OperationStep):
    """The key of a region that is gone opens nothing any more: its file goes too."""

    key = "forget-key"
    title = "The bot's API key"
    will = "throw it away"

    async def check(self, context: StepContext) -> str | None:
        """Whether the file is gone."""
        there = await asyncio.to_thread(host_of(context.region).key_file.exists)
        return None if there else "thrown away"

    async def apply(self, context: StepContext) -> None:
        """Remove it."""
        host = host_of(context.region)
        try:
            await asyncio.to_thread(host.key_file.unlink, missing_ok=True)
        except OSError as error:
            raise StepFailedError(
                f"{host.key_file} can't be removed ({error.strerror}).", "Remove it by hand; it opens nothing any more."
            ) from None


class ServicesStep(OperationStep):
    """The services that should run do; the same facts as `host status`."""

    key = "services"
    title = "Services"
    will = "see that all that should run does"
    patience = 180.0

    async def check(self, context: StepContext) -> str | None:
        """In words, when all is well."""
        found = await asked(host_of(context.region).helper.query(QueryName.SERVICES, Services))
        if not found.initialised or found.api != 200 or waited_for(found):
            return None
        # Whoever asks for the status next sees it as it is now.
        watcher = context.region.watcher
        watcher.look_now()
        with suppress(TimeoutError):
            await watcher.wait_until_up(_SEEN)
        running = sum(1 for one in found.services if one.running)
        return f"{running} run, the API answers"

    async def apply(self, context: StepContext) -> None:
        """Services start by themselves; this waits for them."""
        context.note("waiting for MAAS's services")

    def overdue(self) -> str:
        """Which are missing is seen in a look of its own."""
        return "Not all of MAAS's services run; /maas host status names them."


def waited_for(services: Services) -> list[str]:
    """The names of services that should run and do not."""
    return [one.name for one in services.services if one.expected and not one.running]
