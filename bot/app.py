"""The composition root: builds everything, starts it, stops it. No other module builds its collaborators."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp
import structlog
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit import Audit, Entry, Health, Rhythm, mirror_for
from bot.command.declaration import Catalog
from bot.command.offers import Offers
from bot.command.parser import Parser
from bot.history import FleetHistory
from bot.host.service import HostPace, HostService
from bot.loop_watch import watch_loop
from bot.maas.diagnoses import Diagnoses
from bot.maas.errors import MaasError, Unauthorized
from bot.maas.fleet import FleetView
from bot.maas.fleet_sync import SyncSettings
from bot.maas.import_watcher import ImportPace, ImportWatcher
from bot.maas.region import Region
from bot.maas.service import RegionService
from bot.maas.transport import Transport
from bot.maas.watcher import RegionWatcher, WatchSettings
from bot.message import Part
from bot.operations.all_kinds import all_kinds
from bot.operations.approvals import ApprovalSettings
from bot.operations.engine import Engine
from bot.operations.host_mirror import HostMirror
from bot.operations.kinds import Kind
from bot.operations.records import Operation
from bot.operations.sealed import Sealed
from bot.operations.service import Operations
from bot.operations.store import OperationStore
from bot.policy import GroupMembers, GroupUnknownError, Policy, Role
from bot.settings import Mode, RegionSettings, Settings, key_in
from bot.slack.announcer import Announcer, IgnoreButton
from bot.slack.approval_forms import ApprovalForms
from bot.slack.clicks import Clicks
from bot.slack.connection import (
    FatalCredentialsError,
    Me,
    SocketConnection,
    build_app,
    http_routes,
    preflight,
)
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
from bot.storage import Database, StorageUnavailableError
from bot.telemetry import Metrics
from bot.watches.all_sources import all_sources
from bot.watches.leading import Leading
from bot.watches.service import Watches, WatchPace
from bot.watches.store import WatchStore
from bot.watches.telling import Telling
from bot.web import WebServer

#: Seconds between tries to reach Slack at the start, growing to the last.
_SLACK_PATIENCE = (1.0, 2.0, 5.0, 10.0, 30.0)


class FatalRegionError(Exception):
    """A region does not accept its key. Says which, and what to do."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the bot looks, in seconds. The defaults fit a real region; demo and tests make them smaller."""

    events: float = 2.0
    snapshot: float = 30.0
    operations: float = 1.0
    audit: Rhythm = field(default_factory=Rhythm)
    host: HostPace = field(default_factory=HostPace)
    #: Between two reads of machines that have changed.
    rereads: float = 2.0
    #: Between two notes of how many machines are in which state.
    history: float = 900.0
    watches: WatchPace = field(default_factory=WatchPace)
    #: None: as the settings have it.
    imports: ImportPace | None = None


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
            StorageUnavailableError, EngineBusyError, OSError: the state directory, the database or the port.
        """
        log = structlog.get_logger("app")
        settings = self.settings
        self._fatal = asyncio.get_running_loop().create_future()
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.own_database_url(), secrets=settings.secrets())
        self._closers.callback(database.close)
        await database.create()
        self.web = WebServer(settings.http_host, settings.http_port, self.metrics)
        await self.web.start()
        self._closers.push_async_callback(self.web.stop)
        watching = asyncio.create_task(watch_loop(self.metrics.loop_late.observe), name="loop-watch")
        self._closers.callback(watching.cancel)
        log.info("listening", host=settings.http_host, port=self.web.port)

        client = self._web_client()
        me = await self._reach_slack(client)
        log.info("slack_reached", team=me.team, team_id=me.team_id)
        for name, region in settings.all_regions().items():
            self.regions[name] = await self._start_region(name, region)

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
            bot_user_id=me.user_id,
            more=(
                SheetForms(drawer, self.catalog, router, outbound),
                KeyForm(router, outbound, identities, policy),
                WordButtons(router, MoreWords(router, parser, outbound), outbound),
                IgnoreButton(watches, policy, identities, outbound),
                PowerForm(self.regions, operations, policy, identities, outbound, audit, offers),
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

    def _web_client(self) -> AsyncWebClient:
        assert self.settings.slack_bot_token is not None
        url = self.settings.slack_api_url
        return AsyncWebClient(
            token=self.settings.slack_bot_token.get_secret_value(),
            base_url=url if url.endswith("/") else f"{url}/",
        )

    async def _reach_slack(self, client: AsyncWebClient) -> Me:
        app_token = self.settings.slack_app_token if self.settings.mode is Mode.SOCKET else None
        attempt = 0
        while True:
            try:
                return await preflight(client, app_token.get_secret_value() if app_token is not None else None)
            except FatalCredentialsError:
                raise
            except (SlackApiError, aiohttp.ClientError, OSError, TimeoutError) as error:
                delay = _SLACK_PATIENCE[min(attempt, len(_SLACK_PATIENCE) - 1)]
                attempt += 1
                structlog.get_logger("app").warning("slack_not_reached", error=type(error).__name__, again_in=delay)
                await asyncio.sleep(delay)

    async def _start_region(self, name: str, region: RegionSettings) -> RegionService:
        state = self.settings.state_dir

        def count(method: str, endpoint: str, status: int | None, seconds: float) -> None:
            del method
            self.metrics.maas_calls.labels(name, endpoint, str(status or "none")).inc()
            self.metrics.maas_seconds.labels(name, endpoint).observe(seconds)

        key = self.settings.key_of(name)
        transport = Transport(region.url, key, cache_dir=state / "describe", on_call=count)
        api = Region(transport, name)
        self._closers.push_async_callback(api.close)
        fleet = FleetView(api.url, state / f"fleet-{name}.json")
        watcher = RegionWatcher(
            api,
            fleet,
            WatchSettings(
                events_every=self.pace.events,
                snapshot_every=self.pace.snapshot,
                sync=SyncSettings(gap=self.pace.rereads, count_every=30 * self.pace.rereads),
            ),
        )
        try:
            await self._present_key(api, name)
        except Unauthorized as error:
            raise FatalRegionError(f"Region {name}: {error.problem} {error.remedy}") from None
        except MaasError as error:
            # A region that is down now must not keep the bot from saying so.
            structlog.get_logger("app").warning("region_not_reached", region=name, error=error.problem)
        await watcher.start()
        self._closers.push_async_callback(watcher.stop)
        diagnoses = Diagnoses(api, fleet)
        diagnoses.start()
        self._closers.push_async_callback(diagnoses.stop)
        stalled_after = self.settings.import_stalled_after.total_seconds()
        pace = self.pace.imports or ImportPace(stalled_after=stalled_after)
        imports = ImportWatcher(api, watcher, pace, file=state / f"import-{name}.json")
        await imports.start()
        self._closers.push_async_callback(imports.stop)
        host = None
        if region.host is not None:
            host = HostService.of(region.host, self.settings.own_key_file(name), self.pace.host)
            self._closers.push_async_callback(host.close)
        return RegionService(
            name, region.url, api, fleet, watcher, diagnoses, imports, host, HostMirror(host) if host else None
        )

    async def _present_key(self, api: Region, name: str) -> None:
        """See that the region takes the bot's key: that of the settings, or the one that was made at its installation.

        Raises:
            Unauthorized, MaasError: it takes neither, or does not answer.
        """
        try:
            await api.whoami()
        except Unauthorized:
            own = self.settings.own_key_file(name)
            if not own.exists():
                raise
            api.use_key(key_in(own))
            await api.whoami()
            structlog.get_logger("app").warning("key_of_settings_refused", region=name, used=str(own))

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

        async def reasons() -> list[str]:
            return await self._not_ready(socket, database)

        assert self.web is not None
        self.web.serve(reasons, [] if socket is not None else http_routes(app))

    async def _not_ready(self, socket: SocketConnection | None, database: Database) -> list[str]:
        reasons = []
        connected = socket is None or await socket.connected()
        self.metrics.slack_connected.set(1 if connected else 0)
        if not connected:
            reasons.append("Slack is not connected")
        try:
            await database.check_writable()
        except StorageUnavailableError as error:
            reasons.append(f"storage: {error.reason}")
        answering = [name for name, region in self.regions.items() if region.watcher.availability.up]
        for name in self.regions:
            self.metrics.region_up.labels(name).set(1 if name in answering else 0)
        if not answering:
            reasons.append("no region answers")
        return reasons

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
