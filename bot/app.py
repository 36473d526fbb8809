"""The composition root: builds everything, starts it, stops it. No other module builds its collaborators."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit import Audit, Entry, Health, mirror_for
from bot.command.declaration import Catalog
from bot.command.offers import Offers
from bot.command.parser import Parser
from bot.history import FleetHistory
from bot.loop_watch import watch_loop
from bot.maas.service import RegionService
from bot.message import Part
from bot.operations.all_kinds import all_kinds
from bot.operations.approvals import ApprovalSettings
from bot.operations.engine import Engine
from bot.operations.kinds import Kind
from bot.operations.records import Operation
from bot.operations.sealed import Sealed
from bot.operations.service import Operations
from bot.operations.store import OperationStore
from bot.pace import Pace
from bot.policy import GroupMembers, GroupUnknownError, Policy, Role
from bot.readiness import Readiness
from bot.regions import start_region
from bot.settings import Mode, Settings, SettingsError
from bot.slack.announcer import Announcer, IgnoreButton
from bot.slack.approval_forms import ApprovalForms
from bot.slack.clicks import Clicks
from bot.slack.connection import (
    FatalCredentialsError,
    Me,
    SocketConnection,
    build_app,
    http_routes,
    reach,
    web_client,
)
from bot.slack.deliveries import Deliveries
from bot.slack.failure_steps import FailureSteps
from bot.slack.forms import Forms
from bot.slack.home import Home
from bot.slack.home_attention import Attention
from bot.slack.identity import Identities
from bot.slack.inbox import Inbox
from bot.slack.key_form import KeyForm
from bot.slack.listeners import Listeners
from bot.slack.more_words import MoreWords
from bot.slack.outbound import Outbound, SlackError, SlackFatal
from bot.slack.power_form import PowerForm
from bot.slack.router import Router
from bot.slack.shared_files import SlackFiles
from bot.slack.sheets import SheetDrawer, SheetForms
from bot.slack.threads import Threads
from bot.slack.word_buttons import WordButtons
from bot.storage import Database
from bot.telemetry import Metrics
from bot.watches.all_sources import all_sources
from bot.watches.leading import Leading
from bot.watches.service import Watches
from bot.watches.store import WatchStore
from bot.watches.telling import Telling
from bot.web import WebServer


@dataclass(slots=True)
class Bot:
    """One bot process. `start`, wait for `finished`, `stop`."""

    settings: Settings
    catalog: Catalog
    overview: Callable[[tuple[RegionService, ...], Sequence[Operation], Health], list[Part]]
    pace: Pace = field(default_factory=Pace)
    kinds: Sequence[Kind] = field(default_factory=all_kinds)
    metrics: Metrics = field(default_factory=Metrics)
    regions: dict[str, RegionService] = field(default_factory=dict)
    _closers: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _fatal: asyncio.Future[Exception] | None = None
    web: WebServer | None = None
    operations: Operations | None = None
    watches: Watches | None = None
    history: FleetHistory | None = None
    _listeners: Listeners | None = None

    @property
    def is_quiet(self) -> bool:
        """Nobody waits for an answer just now."""
        return self._listeners is None or self._listeners.idle

    async def start(self) -> None:
        """Come up; returns when commands are taken.

        Raises:
            FatalCredentialsError, FatalRegionError: a credential is not accepted.
            SettingsError: the state directory can't be made.
            StorageUnavailableError, EngineBusyError, OSError: the database or the port.
        """
        log = structlog.get_logger("app")
        settings = self.settings
        self._fatal = asyncio.get_running_loop().create_future()
        try:
            settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SettingsError([f"MAASBOT_STATE_DIR: {settings.state_dir} can't be made ({error.strerror})"]) from None
        database = Database(settings.own_database_url(), secrets=settings.secrets())
        self._closers.callback(database.close)
        await database.create()
        self.web = WebServer(settings.http_host, settings.http_port, self.metrics)
        await self.web.start()
        self._closers.push_async_callback(self.web.stop)
        watching = asyncio.create_task(watch_loop(self.metrics.loop_late.observe), name="loop-watch")
        self._closers.callback(watching.cancel)
        log.info("listening", host=settings.http_host, port=self.web.port)

        self.web.starts("waiting for Slack's answer")
        assert settings.slack_bot_token is not None
        client = web_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
        app_token = settings.slack_app_token if settings.mode is Mode.SOCKET else None
        me = await reach(client, app_token.get_secret_value() if app_token is not None else None)
        log.info("slack_reached", team=me.team, team_id=me.team_id)
        self.web.starts("looking at the regions")
        for name, region in settings.all_regions().items():
            self.regions[name] = await start_region(name, region, settings, self.pace, self.metrics, self._closers)

        def token_refused(error: SlackFatal) -> None:
            self._give_up(FatalCredentialsError("SLACK_BOT_TOKEN", error.code))

        outbound = Outbound(client, database, on_call=self._count_slack_call, on_fatal=token_refused)
        self._closers.push_async_callback(outbound.close)
        audit = Audit(
            database, mirror_for(settings.audit_file, settings.state_dir), self.metrics, rhythm=self.pace.audit
        )
        self._closers.push_async_callback(audit.close)
        await audit.start()
        kinds: dict[str, Kind] = {kind.name: kind for kind in self.kinds}
        identities = Identities(outbound, me.team_id)
        policy = Policy(
            me.team_id,
            _group_members(outbound, fresh=False),
            settings.channels,
            {Role.OPERATOR: settings.operators, Role.APPROVER: settings.approvers, Role.ADMIN: settings.admins},
            settings.policy,
            settings.approval_channel,
            fresh_members=_group_members(outbound, fresh=True),
            identify=identities.known,
        )
        for warning in settings.policy_warnings():
            log.warning("policy", warning=warning)
        details = {"digest": policy.digest(), "rules": list(policy.describe())}
        await audit.append(Entry(kind="policy.loaded", team_id=me.team_id, details=details))
        sealed = Sealed(database, settings.slack_bot_token or SecretStr(""))
        operations = self.operations = Operations(
            OperationStore(database, time.time),
            self.regions,
            kinds,
            policy,
            ApprovalSettings(settings.approval_channel, settings.approval_ttl),
            sealed=sealed,
            shared=SlackFiles(outbound),
            pause=self.pace.operations,
        )
        offers = Offers(self.catalog, policy)
        steps = FailureSteps(offers, identities, self.regions)
        threads = Threads(operations, kinds, outbound, steps.of, pace=0.5 * self.pace.operations)
        await outbound.resume()
        await threads.start()
        self._closers.push_async_callback(threads.close)
        lock_file = settings.state_dir / "engine.lock" if database.is_sqlite else None
        self._closers.push_async_callback(operations.close)
        engine = Engine(
            settings.engine_database_url(),
            operations.work,
            lock_file,
            database,
            keep=settings.keep_operations,
            poll=2.0 * self.pace.operations,
        )
        await operations.start(engine)

        watches = self.watches = Watches(
            WatchStore(database, time.time),
            self.regions,
            all_sources(),
            Telling(self.regions, operations, offers),
            Announcer(outbound),
            leads=Leading(engine.replica, lambda: engine.living),
            pace=self.pace.watches,
        )
        watches.start()
        self._closers.push_async_callback(watches.close)

        history = self.history = FleetHistory(database, self.regions, settings.keep_operations, every=self.pace.history)
        history.start()
        self._closers.push_async_callback(history.close)

        parser = Parser(self.catalog)
        drawer = SheetDrawer(sealed, outbound)
        router = Router(
            catalog=self.catalog,
            parser=parser,
            policy=policy,
            identities=identities,
            regions=self.regions,
            operations=operations,
            threads=threads,
            metrics=self.metrics,
            audit=audit,
            sheets=drawer.offer,
            watches=watches,
            history=history,
        )
        forms = Forms(router, outbound, identities, policy, self.catalog, parser, self.regions)

        async def overview() -> list[Part]:
            return self.overview(tuple(self.regions.values()), await operations.under_way(), audit.health)

        home = Home(outbound, identities, policy, operations, overview, Attention(self.regions, offers))
        # A door of its own: an acknowledgement waits for it, and must not queue behind what operations write.
        inbox_database = Database(settings.own_database_url(), secrets=settings.secrets(), threads=1)
        self._closers.callback(inbox_database.close)
        inbox = Inbox(inbox_database, outbound, engine.replica)
        await inbox.start(engine.living)

        async def answer_for_the_gone(living: frozenset[str]) -> None:
            await outbound.resume(idle=5.0)
            await threads.catch_up()
            await inbox.answer_for(living)

        engine.subscribe(gone=answer_for_the_gone)
        self._closers.push_async_callback(inbox.close)
        listeners = Listeners(
            router=router,
            clicks=Clicks(policy, identities, operations, threads),
            forms=forms,
            decisions=ApprovalForms(operations, threads, identities, outbound),
            home=home,
            inbox=inbox,
            outbound=outbound,
            deliveries=Deliveries(database),
            bot_user_id=me.user_id,
            more=(
                SheetForms(drawer, self.catalog, router, outbound),
                KeyForm(router, outbound, identities, policy),
                WordButtons(router, MoreWords(router, parser, outbound), outbound),
                IgnoreButton(watches, policy, identities, outbound),
                PowerForm(router, self.regions, operations, policy, identities, outbound),
            ),
        )
        await self._take_words(listeners, client, me, database)

    async def finished(self) -> Exception:
        """Wait for something after which the bot can't go on, such as a revoked token."""
        assert self._fatal is not None
        return await asyncio.shield(self._fatal)

    async def stop(self) -> None:
        """Stop taking words, answer what was taken, park operations, let everything go. Takes a few seconds."""
        await self._closers.aclose()

    # -- parts -------------------------------------------------------------------------------------------------

    async def _take_words(self, listeners: Listeners, client: AsyncWebClient, me: Me, database: Database) -> None:
        settings = self.settings
        secret = settings.slack_signing_secret.get_secret_value() if settings.slack_signing_secret else ""
        app = build_app(client, secret, me)
        self._listeners = listeners
        listeners.register(app)
        self._closers.push_async_callback(listeners.close)
        socket: SocketConnection | None = None
        if settings.mode is Mode.SOCKET:
            assert settings.slack_app_token is not None
            socket = SocketConnection(app, client, settings.slack_app_token.get_secret_value(), self._give_up)
            self._closers.push_async_callback(socket.stop)
            await socket.start()

        readiness = Readiness(socket.connected if socket is not None else None, database, self.regions, self.metrics)
        assert self.web is not None
        self.web.serve(readiness.reasons, [] if socket is not None else http_routes(app, secret))

    def _give_up(self, error: Exception) -> None:
        if self._fatal is not None and not self._fatal.done():
            self._fatal.set_result(error)

    def _count_slack_call(self, method: str, outcome: str, _seconds: float) -> None:
        self.metrics.slack_calls.labels(method, outcome).inc()


def _group_members(outbound: Outbound, *, fresh: bool) -> GroupMembers:
    async def members(group: str) -> frozenset[str]:
        try:
            return await outbound.usergroup_members(group, fresh=fresh)
        except SlackError as error:
            raise GroupUnknownError(str(error)) from None

    return members
