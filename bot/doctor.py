"""`maasbot doctor`: every setting held against the world, each finding with its remedy."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.audit.mirror import MirrorError, mirror_for
from bot.audit.program import opened
from bot.host.checks import helper
from bot.host.errors import HostError
from bot.host.key import look_at_host_key
from bot.host.service import HostService
from bot.maas.errors import MaasError
from bot.maas.region import Region
from bot.maas.transport import Transport
from bot.policy import Effect
from bot.settings import HostSettings, Mode, RegionSettings, Settings
from bot.slack.connection import FatalCredentialsError, preflight
from bot.slack.manifest import SCOPES
from bot.storage import Database, StorageUnavailableError

#: MAAS refuses requests whose timestamp is further off than this many seconds.
_CLOCK_LIMIT = 300
_PATIENCE = 15.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `remedy` is empty when it is well."""

    what: str
    well: bool
    found: str
    remedy: str = ""


async def examine(settings: Settings, *, as_json: bool) -> int:
    """Look at everything and print it. Returns 0 when all is well, 1 otherwise."""
    findings = [finding async for finding in _look(settings)]
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))  # noqa: T201
    else:
        for finding in findings:
            print(f"{'ok  ' if finding.well else 'FIX '} {finding.what}: {finding.found}")  # noqa: T201
            if finding.remedy:
                print(f"     {finding.remedy}")  # noqa: T201
    sys.stdout.flush()
    return 0 if all(finding.well for finding in findings) else 1


async def _look(settings: Settings) -> AsyncIterator[Finding]:
    yield await _storage(settings)
    yield await _audit(settings)
    async for finding in _slack(settings):
        yield finding
    for name, region in settings.all_regions().items():
        key = settings.key_of(name)
        if key is None:
            found = "MAAS is not installed there by this bot: it has no API key"
            yield Finding(f"region {name}", False, found, "/maas install does it, or set MAAS_API_KEY.")
        else:
            async for finding in _region(name, region, key):
                yield finding
        if region.host is not None:
            async for finding in _host(name, region.host, settings.own_key_file(name)):
                yield finding
    yield _people(settings)


async def _storage(settings: Settings) -> Finding:
    try:
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.own_database_url())
        try:
            await database.create()
            await database.check_writable()
        finally:
            database.close()
    except OSError as error:
        remedy = f"Make {settings.state_dir} writable for this user, or set MAASBOT_STATE_DIR."
        return Finding("storage", False, f"{settings.state_dir}: {error.strerror}", remedy)
    except StorageUnavailableError as error:
        return Finding("storage", False, error.reason, "Look at MAASBOT_DATABASE_URL and at the disk it lies on.")
    return Finding("storage", True, "takes writes")


async def _audit(settings: Settings) -> Finding:
    mirror = mirror_for(settings.audit_file, settings.state_dir)
    try:
        async with opened(settings) as audit:
            found = await audit.verify()
        if mirror is not None:
            await asyncio.to_thread(mirror.check)
    except StorageUnavailableError as error:
        return Finding("audit", False, error.reason, "Start the bot once, or look at MAASBOT_DATABASE_URL.")
    except MirrorError as error:
        return Finding("audit", False, error.reason, "Look at MAASBOT_AUDIT_FILE and at the disk it lies on.")
    if found.broken is not None:
        remedy = (
            "Somebody changed the database past the bot. Compare it with a backup or with MAASBOT_AUDIT_FILE from "
            "that record on: 'maasbot audit export' writes it out."
        )
        return Finding("audit", False, f"broken at record {found.broken.seq}: {found.broken.reason}", remedy)
    return Finding("audit", True, f"{found.head.seq} record{'' if found.head.seq == 1 else 's'}, whole")


async def _slack(settings: Settings) -> AsyncIterator[Finding]:
    assert settings.slack_bot_token is not None
    base = settings.slack_api_url if settings.slack_api_url.endswith("/") else settings.slack_api_url + "/"
    client = AsyncWebClient(token=settings.slack_bot_token.get_secret_value(), base_url=base, timeout=int(_PATIENCE))
    app_token = settings.slack_app_token.get_secret_value() if settings.slack_app_token is not None else None
    try:
        me = await preflight(client, app_token if settings.mode is Mode.SOCKET else None)
    except FatalCredentialsError as error:
        yield Finding("Slack", False, str(error), f"Set {error.setting} anew, then run this again.")
        return
    except SlackApiError as error:
        yield Finding("Slack", False, f"it answers {error.response.get('error')}", "Try again in a minute.")
        return
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        remedy = "Check SLACK_API_URL, the proxy and the firewall: the bot needs HTTPS to Slack."
        yield Finding("Slack", False, f"can't be reached ({type(error).__name__})", remedy)
        return
    yield Finding("Slack", True, f"workspace {me.team} ({me.team_id}), bot user {me.user_id}")
    missing = sorted(set(SCOPES) - me.scopes) if me.scopes else []
    remedy = (
        "Print the manifest with 'maasbot manifest', update the app with it and install it again." if missing else ""
    )
    yield Finding(
        "Slack scopes",
        not missing,
        f"missing: {', '.join(missing)}" if missing else "as the manifest says",
        remedy,
    )


async def _region(name: str, region: RegionSettings, key: SecretStr) -> AsyncIterator[Finding]:
    what = f"region {name}"
    skew = await _clock_skew(region.url)
    if skew is not None and abs(skew) > _CLOCK_LIMIT / 2:
        remedy = "Set the clock of this host or of the region (NTP); MAAS refuses requests more than 300 s off."
        yield Finding(f"{what}, clock", False, f"differs by {skew:.0f} s", remedy)
    api = Region(Transport(region.url, key), name)
    try:
        async with asyncio.timeout(4 * _PATIENCE):
            version = await api.version()
            user = await api.whoami()
    except MaasError as error:
        yield Finding(what, False, error.problem, error.remedy)
        return
    except TimeoutError:
        yield Finding(what, False, "it does not answer in time", "Look at the load of the region and of its database.")
        return
    finally:
        await api.close()
    yield Finding(what, True, f"MAAS {version.version}, key of {user.username}")
    remedy = "" if user.is_superuser else "Make an API key of an administrator: without, most operations are refused."
    yield Finding(
        f"{what}, rights",
        user.is_superuser,
        "administrator" if user.is_superuser else "no administrator",
        remedy,
    )
    known = (2, 9) <= version.release[:2] <= (3, 7)
    remedy = "" if known else "The bot is tried with 2.9, 3.4 and 3.7; look at what it shows with care."
    yield Finding(f"{what}, version", known, version.version, remedy)


async def _clock_skew(url: str) -> float | None:
    """Seconds by which the region's clock is ahead of ours, from the Date of any answer."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session,
            session.get(url.rstrip("/") + "/api/2.0/version/") as answer,
        ):
            return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()
    except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError):
        return None


async def _host(name: str, host: HostSettings, key_file: Path) -> AsyncIterator[Finding]:
    """Whether the host shows the pinned key, lets the bot in, and has a helper that it may run."""
    what = f"host of region {name}"
    look = await look_at_host_key(host)
    yield Finding(what, look.well, look.found, look.remedy)
    if not look.well:
        return
    service = HostService.of(host, key_file)
    try:
        async with asyncio.timeout(2 * _PATIENCE):
            hello = await service.helper.hello()
    except HostError as error:
        yield Finding(f"{what}, helper", False, error.problem, error.remedy)
    except TimeoutError:
        yield Finding(f"{what}, helper", False, "it does not answer in time", "Look at the host's load.")
    else:
        found = helper(hello)
        told = f"{found.found}; on {hello.hostname}, where sudo lets the bot run it"
        yield Finding(f"{what}, helper", found.well, told, found.remedy)
    finally:
        await service.close()


def _people(settings: Settings) -> Finding:
    if not settings.channels:
        return Finding(
            "policy",
            False,
            "MAASBOT_CHANNELS is empty: the bot only reads",
            "Name the channels that it works in.",
        )
    if warnings := settings.policy_warnings():
        return Finding("policy", False, "; ".join(warnings), "Correct the rules in maasbot.toml, or remove them.")
    if not settings.operators and not settings.policy.of(Effect.ALLOW):
        return Finding("policy", False, "MAASBOT_OPERATORS is empty: nobody may change anything", "Name the operators.")
    rules = f", {len(settings.policy.rules)} rules" if settings.policy.rules else ""
    return Finding(
        "policy", True, f"{len(settings.channels)} channels, {len(settings.operators)} operators or groups{rules}"
    )
