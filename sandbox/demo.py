"""The demo: the stand-ins, the very same bot, and the page, in one process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.app import Bot
from bot.command.parser import Parser
from bot.maas.import_watcher import ImportPace
from bot.pace import Pace
from bot.settings import Settings, load_settings
from bot.slack.manifest import CommandDoc, build_manifest
from bot.telemetry import set_up_logging
from commands.catalogue import build_catalog
from commands.status import overview
from sandbox.host import HostStandIn
from sandbox.maas import RegionStandIn
from sandbox.maas.data_files import VERSIONS
from sandbox.page import mount
from sandbox.slack import SlackServer, Workspace

_HINTS = {
    "U0OLGA": "operator: asks and changes",
    "U0ANDREA": "approver: decides on others' requests",
    "U0VICTOR": "viewer: reads",
    "U0ADAM": "admin",
    "U0GUEST": "guest: not served",
    "U0FIONA": "from another workspace: not served",
}


@dataclass
class World:
    """The stand-ins, wired for the bot. Tests use it as well."""

    workspace: Workspace
    slack: SlackServer
    region: RegionStandIn
    state: Path
    extra: dict[str, str] = field(default_factory=dict)
    #: The region's host, where there is one; `bare`: without MAAS on it, and without a key for the bot.
    host: HostStandIn | None = None
    bare: bool = False

    @classmethod
    def build(
        cls,
        state: Path,
        *,
        machines: int = 12,
        seed: int = 1,
        speed: float = 1.0,
        version: str = "3.4.10",
        keep: bool = False,
        strict_timing: bool = True,
        fresh: bool = False,
        host: bool = False,
        bare: bool = False,
    ) -> World:
        """Make the stand-ins; with `keep` their state lives in `state` and is found there again.

        A `fresh` region is empty, as after its installation. With `host` the region has a host, on which MAAS is
        installed unless it is to be `bare`.
        """
        workspace = Workspace(seed=seed, state_file=state / "slack.json" if keep else None, strict_timing=strict_timing)
        catalog = build_catalog()
        parser = Parser(catalog)
        docs = [CommandDoc(one.name, parser.usage(one), one.summary) for one in catalog]
        workspace.app.load_manifest(build_manifest(docs, direct_messages=True))
        region = RegionStandIn(
            version=version,
            machines=machines,
            seed=seed,
            speed=speed,
            state_file=state / "maas.json" if keep else None,
            fresh=fresh,
        )
        made = cls(workspace, SlackServer(workspace), region, state, bare=bare)
        if host or bare:
            made.host = HostStandIn(region, speed=speed, state_file=state / "host.json" if keep else None)
            if made.host.fresh and not bare:
                made.host.settle_in()
        return made

    async def start(self, *, slack_port: int = 0, region_port: int = 0) -> None:
        """Listen on loopback."""
        if self.host is not None:
            await self.host.link.serve(port=region_port)
            await self.host.start()
        else:
            await self.region.start(port=region_port)
        await self.slack.start(port=slack_port)

    async def stop(self) -> None:
        """Stop them; kept state is saved."""
        await self.slack.stop()
        if self.host is not None:
            await self.host.stop()
        await self.region.stop()

    def environment(self) -> dict[str, str]:
        """The settings under which a bot runs on these stand-ins."""
        app = self.workspace.app
        return {
            "SLACK_BOT_TOKEN": app.bot_token,
            "SLACK_APP_TOKEN": app.app_token,
            "SLACK_SIGNING_SECRET": app.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "MAAS_URL": self.region.url,
            **({"MAAS_API_KEY": self.region.api_key} if self._has_key() else {}),
            **(self.host.credentials(self.state / "ssh") if self.host is not None else {}),
            "MAASBOT_STATE_DIR": str(self.state / "bot"),
            "MAASBOT_HTTP_PORT": "0",
            "MAASBOT_CHANNELS": "C0OPS,C0APPROVE",
            "MAASBOT_OPERATORS": "U0OLGA,U0ADAM",
            "MAASBOT_APPROVERS": "U0ANDREA,S0APPROVE",
            "MAASBOT_ADMINS": "U0ADAM",
            "MAASBOT_APPROVAL_CHANNEL": "C0APPROVE",
            "MAASBOT_LOG_FORMAT": "console",
            "MAASBOT_LOG_LEVEL": "warning",
            **self.extra,
        }

    def _has_key(self) -> bool:
        """Whether there is a key to give to the bot: not of a host without MAAS, nor after a reset of it."""
        admins = [user for user in self.region.world.users if user.username == "admin"]
        return not self.bare and any(user.tokens for user in admins)

    def settings(self) -> Settings:
        """The same, read as the bot reads it, whatever the caller's own environment says."""
        with _environment(self.environment()):
            return load_settings()


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    ours = ("SLACK_", "MAAS_", "MAASBOT_")
    saved = dict(os.environ)
    try:
        for name in saved:
            if name.startswith(ours):
                del os.environ[name]
        os.environ.update(values)
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def run_demo(
    *,
    port: int,
    state: Path | None,
    machines: int,
    seed: int,
    speed: float,
    version: str,
    fresh: bool = False,
    bare: bool = False,
) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code."""
    if version not in VERSIONS:
        sys.stderr.write(f"--maas takes {', '.join(VERSIONS)}, not {version}\n")
        return 2
    with contextlib.ExitStack() as stack:
        folder = state
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="maasbot-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        keep = state is not None
        world = World.build(
            folder,
            machines=machines,
            seed=seed,
            speed=speed,
            version=version,
            keep=keep,
            fresh=fresh,
            host=True,
            bare=bare,
        )
        return asyncio.run(_run(world, port, keep=keep))


async def _run(world: World, port: int, *, keep: bool) -> int:
    assert world.host is not None
    faults: dict[str, Any] = {
        "Slack": world.workspace.faults,
        "MAAS": world.region.faults,
        "Host": world.host.faults,
    }
    mount(
        world.slack.app,
        world.workspace,
        faults=faults,
        hints=_HINTS,
    )
    try:
        await world.start(slack_port=port)
    except OSError as error:
        sys.stderr.write(
            f'Port {port} can\'t be used ({error.strerror}); choose another: make demo ARGS="--port 8001"\n'
        )
        await world.stop()
        return 1
    settings = world.settings()
    set_up_logging(settings.log_level, settings.log_format, settings.secrets())
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    # Who makes the demo's mirror stall wants to read of it while looking on.
    imports = ImportPace(busy=1.0, stalled_after=100.0)
    pace = Pace(events=1.0, snapshot=5.0, rereads=1.0, imports=imports)
    bot = Bot(settings, build_catalog(), overview, pace=pace)
    saving = asyncio.create_task(_save(world)) if keep else None
    try:
        await bot.start()
        page = f"{world.slack.base_url}/?as=U0OLGA&channel=C0OPS"
        assert bot.web is not None
        first = "/maas install" if world.bare else "/maas status or /maas commission node-3"
        sys.stdout.write(
            f"\n  The demo is at  {page}\n  Type {first} there.\n"
            f"  The bot's health and metrics: http://127.0.0.1:{bot.web.port}/readyz and /metrics\n"
            "  Ctrl-C ends it.\n\n"
        )
        sys.stdout.flush()
        await stop.wait()
    finally:
        if saving is not None:
            saving.cancel()
        await bot.stop()
        await world.stop()
    return 0


async def _save(world: World) -> None:
    # Somebody who tries kill -9 on the demo expects the region to remember as a real one would.
    while True:
        await asyncio.sleep(1.0)
        await world.region.save()
        if world.host is not None:
            await world.host.save()
