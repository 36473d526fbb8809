"""How long a production install and a reset take through the bot's helper, beside the same commands in a script.

Needs root, and the integration host (`make test-host-tree`).
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.report import Report, Table, ratio
from bot.host import jobs
from bot.host.looks import LookState
from bot.host.protocol import JobCode
from bot.host.service import HostService
from bot.host.vocabulary import STEP_ARGUMENTS, SecretName, StepName
from bot.settings import HostSettings
from tests.host.machine.story import Order, install, reset
from tests.support.host_machine import Machine
from tests.support.host_tree import TreeError, tree

_AIM = "at most 1.15 times the same commands in a script"
_NO_TIME = {"snap-download": 0.0}
#: Seconds that the programs take on a real host, as measured on one: at least, and in the middle. `maas init` runs 40
#: migrations; a snap comes in three parts, and takes a second to go before what is said here.
_LEAST = {"maas-start": 2.0, "snap-download": 0.33, "snap-remove": 3.0, "migration-slow": 0.075}
_MIDDLE = {"maas-start": 4.0, "snap-download": 0.67, "snap-remove": 8.0, "migration-slow": 0.125}
#: What somebody types who follows the notes, with nobody looking whether it worked.
_INSTALL = """
set -e
apt-get update -q >/dev/null
apt-get install -y -q snapd >/dev/null
snap install --channel=2.9/stable maas
DEBIAN_FRONTEND=noninteractive apt-get install -y -q postgresql >/dev/null
cd /tmp
runuser -u postgres -- psql -q -c "CREATE USER maas WITH ENCRYPTED PASSWORD 'password1'"
runuser -u postgres -- createdb -O maas maas
echo "host maas maas 0/0 md5" >>/etc/postgresql/15/main/pg_hba.conf
systemctl reload postgresql
maas init region+rack --maas-url=http://10.0.0.1:5240/MAAS --database-uri=postgres://maas:password1@localhost/maas
chmod 640 /var/snap/maas/current/regiond.conf
until python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:5240/MAAS/api/2.0/version/')" 2>/dev/null; do
    sleep 0.2
done
printf 'admin\\npassword1\\npassword1\\nadmin@example.org\\n\\n' | maas createadmin
"""
#: Neither side makes a backup: the notes don't, and the bot's reset does it as a step of its own.
_RESET = """
set -e
snap remove --purge maas-cli
snap remove --purge maas
snap remove --purge maas-test-db
cd /tmp
runuser -u postgres -- psql -q -c 'DROP DATABASE maas'
runuser -u postgres -- psql -q -c 'DROP ROLE maas'
sed -i '/^host maas maas/d' /etc/postgresql/15/main/pg_hba.conf
systemctl reload postgresql
DEBIAN_FRONTEND=noninteractive apt-get purge -y -q 'postgresql*' >/dev/null
"""


@dataclass(frozen=True, slots=True)
class Options:
    """`repeats` machines a side, once with programs that take no time, and once with the measured times."""

    repeats: int = 3


async def measure(options: Options | None = None) -> Report:
    """Each time a bare machine a side; the sides take turns."""
    options = options or Options()
    try:
        tree()
    except TreeError as error:
        return Report("The host: install and reset", _AIM, [Table(["not measured"], [[str(error)]])])
    looks: list[float] = []
    tables: list[Table] = []
    figures: dict[str, float] = {}
    for title, name, takes in (
        ("snap and maas take no time", "bare", _NO_TIME),
        ("snap and maas take what they take on a real host at least", "least", _LEAST),
        ("snap and maas take what they take on a real host in the middle", "middle", _MIDDLE),
    ):
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(options.repeats):
            for side in ("script", "helper"):
                took = await _one(side, takes, looks if takes is _NO_TIME else [])
                for what, seconds in zip(("install", "reset"), took, strict=True):
                    times.setdefault((what, side), []).append(seconds)
        found = {key: median(values) for key, values in times.items()}
        rows = [
            [what, f"{found[what, 'script']:.1f} s", f"{found[what, 'helper']:.1f} s",
             ratio(found[what, "helper"], found[what, "script"])]
            for what in ("install", "reset")
        ]  # fmt: skip
        tables.append(Table([f"production: {title}", "in a script", "step by step", "ratio"], rows))
        figures.update({f"{name}_{what}_{side}": seconds for (what, side), seconds in found.items()})
    tables.append(Table(["step that has nothing to do", "whole time"], [["median", f"{median(looks):.2f} s"]]))
    return Report(
        "The host: install and reset",
        _AIM,
        tables,
        [
            "systemd, sshd, sudo, apt and PostgreSQL are real; snap and maas are stand-in programs, the same on both "
            "sides. On a host with real ones a call of maas took 2 to 6 s, maas init 5 to 13 s, a snap 1 to 3 s to "
            "come and 9 s to go, a whole install 30 to 59 s, a reset 11 to 18 s. In the first table they take no "
            "time, so that what the steps add weighs most; in the second the least of it (a snap goes in 4 s), in the "
            "third the middle.",
            "A step is taken as the bot takes it: a job that looks, acts and looks again, and its end; a reset has "
            "the steps that its plan found something to do for. Neither side makes a backup.",
        ],
        {**figures, "idle_step": median(looks)},
    )


async def _one(side: str, takes: dict[str, float], looks: list[float]) -> list[float]:
    """Install and reset on a machine of its own; seconds of each."""
    with tempfile.TemporaryDirectory(prefix="maasbot-bench-host-") as folder:
        machine = Machine(Path(folder) / "machine", 7)
        try:
            await asyncio.to_thread(machine.create)
            machine.faults(**takes)
            await asyncio.to_thread(machine.start)
            if side == "script":
                return [await _script(machine, one) for one in (_INSTALL, _RESET)]
            await asyncio.to_thread(machine.install_helper)
            return await _helper(machine, Path(folder), looks)
        finally:
            await asyncio.to_thread(machine.stop)


async def _script(machine: Machine, text: str) -> float:
    began = time.monotonic()
    await asyncio.to_thread(machine.root, "sh", "-s", stdin=text, timeout=300)
    return time.monotonic() - began


async def _helper(machine: Machine, folder: Path, looks: list[float]) -> list[float]:
    known = folder / "known_hosts"
    known.write_text(machine.host_key(), encoding="utf-8")
    settings = HostSettings(host=machine.address, ssh_key_file=machine.key, ssh_known_hosts=known)
    service = HostService.of(settings, folder / "own.key")
    try:
        await service.helper.hello()
        planned = {one.step for one in install() if await _is_so(service, one)}
        began = time.monotonic()
        await _take(service, "a", install(), planned)
        installed = time.monotonic() - began
        for number in range(5):
            again = time.monotonic()
            await _take(service, f"look-{number}", [Order("maas-permissions")])
            looks.append(time.monotonic() - again)
        # A plan of a reset leaves out what is gone already.
        orders = [one for one in reset() if not await _is_so(service, one)]
        began = time.monotonic()
        await _take(service, "b", orders)
        return [installed, time.monotonic() - began]
    finally:
        await service.close()


async def _is_so(service: HostService, order: Order) -> bool:
    """Whether a plan finds nothing for this step to do."""
    step = StepName(order.step)
    look = await service.helper.look(step, STEP_ARGUMENTS[step].model_validate(order.arguments))
    return look.state is LookState.DONE


async def _take(service: HostService, name: str, orders: list[Order], planned: Collection[str] = ()) -> None:
    """As an operation takes its steps (`bot.operations.host_steps`): a job to its end, and what it found.

    Those that the plan found done are looked at once more, and so is the administrator.
    """
    watcher = jobs.Watcher(lambda _: None)
    for number, one in enumerate(orders):
        step = StepName(one.step)
        arguments = STEP_ARGUMENTS[step].model_validate(one.arguments)
        secrets = {SecretName(kind): service.vault.get_or_make(kind) for kind in one.secrets}
        order = jobs.Order(f"bench-{name}-{number}", step, arguments, lambda kept=secrets: kept, unsent=True)
        if one.step in planned or step is StepName.MAAS_ADMIN:
            look = await service.helper.look(step, arguments)
            if look.state is LookState.DONE:
                continue
        await service.jobs.run(order, watcher)
        job = await service.jobs.newest(order)
        if job is None or job.rc != JobCode.OK:
            raise RuntimeError(f"{one.step} did not end well: {job}")
