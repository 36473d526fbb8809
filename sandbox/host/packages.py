"""Snaps and packages of the host."""

from __future__ import annotations

from bot.host.looks import Cause, Finding, Look
from bot.host.vocabulary import Snap as SnapName
from bot.host.vocabulary import StepName
from sandbox.host.model import GB, TEST_DATABASE, TEST_ROLE, VERSIONS, Database, Maas, Role, Server, Snap
from sandbox.host.work import Step, StepFailedError, Work, blocked, done, nothing, todo

_OWN = {"postgres", "template0", "template1"}


def _preflight(work: Work) -> Look:
    free = work.model.disk_free if not work.faults.is_active("disk-full") else GB // 2
    findings = (
        Finding(name="system", well=True, found="Ubuntu 22.04.4 LTS, x86_64"),
        Finding(
            name="memory",
            well=work.model.memory >= 4 * GB,
            found=f"{work.model.memory / GB:.0f} GB",
            remedy="" if work.model.memory >= 4 * GB else "MAAS wants 4 GB or more.",
        ),
        Finding(
            name="disk",
            well=free >= 10 * GB,
            found=f"{free / GB:.1f} GB free on /var",
            remedy="" if free >= 10 * GB else "Make room: MAAS and its images want 20 GB.",
        ),
        Finding(name="ports", well=True, found="5240, 5248, 53, 67, 69 are free or MAAS's own"),
    )
    if all(one.well for one in findings):
        return done("The host can carry a region", findings=findings)
    wrong = next(one for one in findings if not one.well)
    return blocked(Cause.HOST_UNFIT, f"{wrong.name}: {wrong.found}", wrong.remedy, findings=findings)


def _snapd(work: Work) -> Look:
    if work.faults.is_active("snapd-down"):
        return todo("snapd is installed and does not answer", "start snapd")
    return done("snapd 2.67 answers")


async def _start_snapd(work: Work) -> None:
    await work.pause(2)
    if work.faults.is_active("snapd-down"):
        raise StepFailedError(
            Cause.SNAPD_DOWN, "snapd does not answer", "Look at 'systemctl status snapd' on the host."
        )


def _snap(work: Work) -> Look:
    name, channel = work.args.snap.value, work.args.channel
    there = work.model.snaps.get(name)
    if there is None:
        return todo(f"{name} is not installed", f"install {name} from {channel}")
    if there.channel != channel:
        return blocked(
            Cause.OTHER_CHANNEL,
            f"{name} {there.version} is installed from {there.channel}",
            f"It stays. 'upgrade --channel {channel}' moves it.",
        )
    return done(f"{name} {there.version} is installed from {channel}")


def _made(name: str, channel: str) -> Snap:
    track = channel.partition("/")[0]
    if track not in VERSIONS:
        raise StepFailedError(
            Cause.CHANNEL_NOT_FOUND,
            f'snap "{name}" is not available on {channel} but is available to install on the following tracks: '
            + ", ".join(sorted(VERSIONS)),
            "Name one of those tracks.",
        )
    if name == SnapName.TEST_DB:
        return Snap(channel, "12.20-30-g.ed8d7f2", "187")
    version, revision = VERSIONS[track]
    return Snap(channel, version, revision)


async def _install_snap(work: Work) -> None:
    name, channel = work.args.snap.value, work.args.channel
    made = _made(name, channel)
    work.say(f'2026-11-22T20:40:11Z INFO Waiting for automatic snapd restart... "{name}"')
    await work.percent(f'Download snap "{name}" ({made.revision}) from channel "{channel}"', 12)
    await work.pause(3)
    work.model.snaps[name] = made
    work.model.done.append(f"snap install {name}")
    if name == SnapName.TEST_DB:
        work.model.test_server = Server({TEST_ROLE: Role()}, {TEST_DATABASE: Database(TEST_ROLE)})
    if name == SnapName.MAAS and channel.startswith("2.9"):
        work.model.snaps["maas-cli"] = Snap(channel, made.version, "13")
    work.say(f"{name} ({channel}) {made.version} from Canonical installed")


def _refresh(work: Work) -> Look:
    name, channel = work.args.snap.value, work.args.channel
    there = work.model.snaps.get(name)
    if there is None:
        return blocked(Cause.NOT_INSTALLED, f"{name} is not installed", "Install it first: 'install'.")
    if there.channel == channel:
        return done(f"{name} {there.version} is on {channel}")
    if channel < there.channel:
        return blocked(
            Cause.DOWNGRADE,
            f"{name} is on {there.channel}; its database can't go back to {channel}",
            "Restore a backup on a host with that version instead.",
        )
    return todo(f"{name} {there.version} is on {there.channel}", f"refresh it to {channel}")


async def _refresh_snap(work: Work) -> None:
    name, channel = work.args.snap.value, work.args.channel
    made = _made(name, channel)
    await work.percent(f'Download snap "{name}" ({made.revision}) from channel "{channel}"', 12)
    ran, work.model.maas.running = work.model.maas.running, False
    await work.link.stop()
    await work.pause(4)
    work.model.snaps[name] = made
    work.model.done.append(f"snap refresh {name}")
    work.model.maas.running = ran


def _remove(work: Work) -> Look:
    name = work.args.snap.value
    if name not in work.model.snaps:
        return done(f"{name} is not installed")
    lost = {
        "maas": ("MAAS's settings and logs on this host",),
        "maas-test-db": ("the test database with everything that the region knows",),
    }.get(name, ())
    version = work.model.snaps[name].version
    return todo(f"{name} {version} is installed", f"remove {name} with its data", lost=lost)


async def _remove_snap(work: Work) -> None:
    name = work.args.snap.value
    await work.percent(f'Stop snap "{name}" services', 6, 2)
    if name == "maas":
        work.model.maas = Maas()
        await work.link.stop()
    if name == "maas-test-db":
        work.model.test_server = Server()
    work.model.snaps.pop(name, None)
    work.model.done.append(f"snap remove {name}")
    work.say(f"{name} removed")


def _postgresql(work: Work) -> Look:
    if work.model.apt:
        return done("PostgreSQL 14 is installed and runs")
    return todo("PostgreSQL is not installed", "install postgresql from apt")


async def _install_postgresql(work: Work) -> None:
    work.say("Reading package lists...")
    await work.percent("apt: Unpacking postgresql-14", 19)
    work.model.apt = True
    work.model.server = Server({"postgres": Role(superuser=True)}, {name: Database("postgres") for name in _OWN})
    work.model.done.append("apt install postgresql")
    work.say("Setting up postgresql (14+238) ...")


def other_databases(work: Work, ours: tuple[str, ...]) -> list[str]:
    """Databases of the host's PostgreSQL that are neither its own nor the region's."""
    return sorted(set(work.model.server.databases) - _OWN - set(ours))


def _purge(work: Work) -> Look:
    if not work.model.apt:
        return done("PostgreSQL is not installed")
    others = other_databases(work, tuple(work.args.databases))
    if others:
        return blocked(
            Cause.OTHER_DATABASES,
            f"Other databases are on this host: {', '.join(others)}",
            "PostgreSQL stays; move them first if it has to go.",
        )
    return todo("PostgreSQL 14 is installed", "purge PostgreSQL", lost=("PostgreSQL with its configuration",))


async def _purge_postgresql(work: Work) -> None:
    await work.percent("apt: Purging postgresql-14", 8, 2)
    work.model.apt = False
    work.model.server = Server()
    work.model.folders = ["/etc/postgresql", "/var/lib/postgresql", "/var/log/postgresql"]
    work.model.done.append("apt purge postgresql")


PACKAGE_STEPS = {
    StepName.PREFLIGHT: Step(_preflight, nothing),
    StepName.SNAPD: Step(_snapd, _start_snapd),
    StepName.SNAP_INSTALL: Step(_snap, _install_snap),
    StepName.SNAP_REFRESH: Step(_refresh, _refresh_snap),
    StepName.SNAP_REMOVE: Step(_remove, _remove_snap),
    StepName.POSTGRESQL_INSTALL: Step(_postgresql, _install_postgresql),
    StepName.POSTGRESQL_PURGE: Step(_purge, _purge_postgresql),
}
