"""Where answers go: to the asker alone for slash commands, into the thread for mentions."""

from __future__ import annotations

from dataclasses import dataclass

from bot.message import Message
from bot.slack.outbound import Outbound


@dataclass(frozen=True, slots=True)
class CommandReply:
    """Answers a slash command or a click through its response_url: only the asker sees it."""

    outbound: Outbound
    response_url: str

    async def answer(self, message: Message) -> None:
        await self.outbound.respond(self.response_url, message)

    async def refuse(self, message: Message) -> None:
        await self.outbound.respond(self.response_url, message)


@dataclass(frozen=True, slots=True)
class ThreadReply:
    """Answers a mention in its thread; refusals, and what is private, only to the asker."""

    outbound: Outbound
    channel: str
    thread: str | None
    user: str

    async def answer(self, message: Message) -> None:
        if message.private:
            await self.refuse(message)  # which goes to the asker alone
            return
        await self.outbound.post(self.channel, message, thread_ts=self.thread, urgent=True)

    async def refuse(self, message: Message) -> None:
        await self.outbound.ephemeral(self.channel, self.user, message, thread_ts=self.thread)
