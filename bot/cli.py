"""The command line: `maasbot run | demo | doctor | manifest | audit | host-helper`."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from bot.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from bot.pace import Pace

#: Seconds for which a thread may keep the others from running. The usual 5 ms are felt in acknowledgements: the loop
#: gives way at every write to a socket, and threads write to the database meanwhile.
_SWITCH = 0.001

app = cyclopts.App(name="maasbot", help="Run Canonical MAAS from Slack.", version_flags=["--version"])


def main() -> None:
    """The entry point: exits 0, 1 (something to fix), 2 (wrong settings or words), 3 (credentials not accepted)."""
    try:
        code = app(exit_on_error=False, print_error=True, result_action="return_value")
    except cyclopts.CycloptsError:
        code = 2
    except KeyboardInterrupt:
        code = 130
    sys.exit(code or 0)


@app.command
def run() -> int:
    """Run the bot until SIGTERM or SIGINT; finish or park what it does, then exit 0."""
    settings = _settings()
    return 2 if settings is None else asyncio.run(run_bot(settings))


@app.command
def demo(
    *,
    port: int = 8000,
    state: Path | None = None,
    machines: int = 12,
    seed: int = 1,
    speed: float = 1.0,
    maas: str = "3.4.10",
    fresh: bool = False,
    bare: bool = False,
) -> int:
    """Run the whole bot on stand-ins for Slack, MAAS and its host, with a page in the browser.

    Args:
        port: of the page; 0 takes a free one
        state: folder in which the demo is kept between runs; without it each run starts anew
        machines: how many the region has
        seed: of everything random
        speed: how much faster than life the machines are
        maas: version that the region stand-in plays (2.9.3, 3.4.10 or 3.7.3)
        fresh: an empty region, as right after its installation, for trying `/maas setup`
        bare: begin with a host without MAAS, to be installed
    """
    # Test equipment: imported here alone, and only when it is asked for.
    from sandbox.demo import run_demo

    return run_demo(
        port=port,
        state=state,
        machines=machines,
        seed=seed,
        speed=speed,
        version=maas,
        fresh=fresh,
        bare=bare,
    )


@app.command
def doctor(*, json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Check every setting against the world; exit 0 when all is well, 1 when something is to be fixed.

    Args:
        json: print the findings as JSON
    """
    from bot.doctor import examine
    from bot.telemetry import set_up_logging

    settings = _settings()
    if settings is None:
        return 2
    set_up_logging("error", settings.log_format, settings.secrets())
    return asyncio.run(examine(settings, as_json=json))


@app.command
def manifest(*, check: Path | None = None) -> int:
    """Print the Slack app's manifest, made from the command table.

    Args:
        check: compare with this file instead; exit 1 when they differ
    """
    from bot.command.parser import Parser
    from bot.slack.manifest import CommandDoc, build_manifest, to_yaml
    from commands.catalogue import build_catalog

    catalog = build_catalog()
    parser = Parser(catalog)
    docs = [CommandDoc(one.name, parser.usage(one), one.summary) for one in catalog]
    text = to_yaml(build_manifest(docs, direct_messages=True))
    if check is None:
        print(text, end="")
        return 0
    try:
        same = check.read_text(encoding="utf-8") == text
    except OSError as error:
        print(f"{check} can't be read ({error.strerror})", file=sys.stderr)
        return 1
    except UnicodeDecodeError:
        same = False
    if not same:
        print(
            f"{check} differs from the command table; write it anew: maasbot manifest > {check}",
            file=sys.stderr,
        )
    return 0 if same else 1


audit = cyclopts.App(name="audit", help="Check the audit, or write it out.")
app.command(audit)


@audit.command(name="verify")
def audit_verify(*, file: Path | None = None) -> int:
    """Check every record of the audit; exit 0 when it is whole, 1 when it is broken, naming the first broken record.

    Args:
        file: check a file of exported or mirrored lines instead of the database
    """
    from bot.audit.program import verify, verify_file

    if file is not None:
        return verify_file(file)
    settings = _settings()
    return 2 if settings is None else asyncio.run(verify(settings))


@audit.command(name="export")
def audit_export(*, since: str | None = None) -> int:
    """Write the audit to standard output, one line of JSON a record, oldest first.

    Args:
        since: from when on, like 24h, 7d or 2026-01-31; all of it by default
    """
    from bot.audit.program import export

    settings = _settings()
    return 2 if settings is None else asyncio.run(export(settings, since))


host_helper = cyclopts.App(name="host-helper", help="What the bot needs on a region's host: print its scripts.")
app.command(host_helper)


@host_helper.command(name="install-script")
def helper_install_script(*, key: Path, user: str = "maasbot") -> int:
    """Print a shell script that a host's administrator reads and runs as root; running it again changes nothing.

    Args:
        key: file with the bot's public key, like ~/.ssh/maasbot.pub
        user: the account on the host that the bot logs in to
    """
    from bot.host.install import InstallError, install_script

    try:
        print(install_script(user, key.read_text(encoding="utf-8")), end="")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        print(f"{key} can't be read ({reason})", file=sys.stderr)
        return 2
    except InstallError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


@host_helper.command(name="uninstall-script")
def helper_uninstall_script(*, user: str = "maasbot") -> int:
    """Print a shell script that takes the bot's program, right and user off a host again.

    Args:
        user: the account on the host that the bot logs in to
    """
    from bot.host.install import InstallError, uninstall_script

    try:
        print(uninstall_script(user), end="")
    except InstallError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _settings() -> Settings | None:
    from bot.policy import misnamed
    from commands.catalogue import build_catalog

    try:
        settings = load_settings()
        # The settings know no command; a rule for one that does not exist would be a rule for nothing.
        faults = misnamed(settings.policy, commands=build_catalog().names())
    except SettingsError as error:
        settings, faults = None, error.faults
    for fault in faults:
        print(fault, file=sys.stderr)
    return None if faults else settings


async def run_bot(settings: Settings, pace: Pace | None = None) -> int:
    """Run one bot until a signal; returns the exit code. `pace` is for tests that can't wait."""
    from bot.app import Bot
    from bot.operations.engine import EngineBusyError
    from bot.pace import Pace
    from bot.regions import FatalRegionError
    from bot.slack.connection import FatalCredentialsError
    from bot.storage import StorageUnavailableError
    from bot.telemetry import set_up_logging
    from commands.catalogue import build_catalog
    from commands.status import overview

    set_up_logging(settings.log_level, settings.log_format, settings.secrets())
    sys.setswitchinterval(_SWITCH)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    bot = Bot(settings, build_catalog(), overview, pace=pace or Pace())
    stopping = asyncio.create_task(stop.wait())
    work = asyncio.create_task(_work(bot))
    try:
        await asyncio.wait({stopping, work}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            raise await work
    except (FatalCredentialsError, FatalRegionError) as error:
        print(error, file=sys.stderr)
        return 3
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except (StorageUnavailableError, EngineBusyError, OSError) as error:
        print(f"Can't start: {error}", file=sys.stderr)
        return 1
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await bot.stop()
    return 0


async def _work(bot: object) -> Exception:
    from bot.app import Bot
    from bot.garbage import collect_when_quiet, spare_the_long_lived

    assert isinstance(bot, Bot)
    await bot.start()
    spare_the_long_lived()
    collecting = asyncio.create_task(collect_when_quiet(lambda: bot.is_quiet), name="garbage")
    try:
        return await bot.finished()
    finally:
        collecting.cancel()
