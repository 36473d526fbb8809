"""How long a production install and a reset take through the bot's helper, beside the same commands in a script.

Needs root, and the integration host (`make test-host-tree`).
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import SecretStr

from bench.report import Report, Table, ratio
from bot.host.protocol import Job, JobState
from bot.host.service import HostService
from bot.host.vocabulary import STEP_ARGUMENTS, SecretName, StepName
from bot.settings import HostSettings
from tests.host.machine.story import ADMIN_PASSWORD, DATABASE_PASSWORD, Order, install, reset
from tests.support.host_machine import Machine
from tests.support.host_tree import TreeError, tree

_AIM = "at most 1.15 times the same commands in a script"
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
printf 'admin\\npassword1\\npassword1\\nadmin@example.org\\n\\n' | maas createadmin
until python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:5240/MAAS/api/2.0/version/')" 2>/dev/null; do
    sleep 0.2
done
"""
_RESET = """
set -e
snap remove --purge maas-cli
snap remove --purge maas
snap remove --purge maas-test-db
cd /tmp
runuser -u postgres -- psql -q -c 'DROP DATABASE maas'
runuser -u postgres -- psql -q -c 'DROP ROLE maas'
sed -i '/^host maas maas/d' /etc/postgresql/15/main/pg_hba.conf
DEBIAN_FRONTEND=noninteractive apt-get purge -y -q 'postgresql*' >/dev/null
"""


@dataclass(frozen=True, slots=True)
class Options:
    repeats: int = 3


async def measure(options: Options | None = None) -> Report:
    """Each time a bare machine a side; the sides take turns."""
    options = options or Options()
    try:
        tree()
    except TreeError as error:
        return Report("The host: install and reset", _AIM, [Table(["not measured"], [[str(error)]])])
    times: dict[tuple[str, str], list[float]] = {}
    looks: list[float] = []
    for _ in range(options.repeats):
        for side in ("script", "helper"):
            with tempfile.TemporaryDirectory(prefix="maasbot-bench-host-") as folder:
                machine = Machine(Path(folder) / "machine", 7)
                try:
                    await asyncio.to_thread(machine.create)
                    await asyncio.to_thread(machine.start)
                    if side == "script":
                        took = [await _script(machine, one) for one in (_INSTALL, _RESET)]
                    else:
                        await asyncio.to_thread(machine.install_helper)
                        took = await _helper(machine, Path(folder), looks)
                finally:
                    await asyncio.to_thread(machine.stop)
            for what, seconds in zip(("install", "reset"), took, strict=True):
                times.setdefault((what, side), []).append(seconds)
    found = {key: median(values) for key, values in times.items()}
    rows = [
        [what, f"{found[what, 'script']:.1f} s", f"{found[what, 'helper']:.1f} s",
         ratio(found[what, "helper"], found[what, "script"])]
        for what in ("install", "reset")
    ]  # fmt: skip
    figures = {f"{what}_{side}": seconds for (what, side), seconds in found.items()}
    return Report(
        "The host: install and reset",
        _AIM,
        [
            Table(["production", "in a script", "step by step", "ratio"], rows),
            Table(["step that has nothing to do", "whole time"], [["median", f"{median(looks):.2f} s"]]),
        ],
        [
            "systemd, sshd, sudo, apt and PostgreSQL are real; snap and maas are stand-in programs that take no time. "
            "So what the steps add by looking before and after weighs more here than on a host, where a snap takes "
            "minutes to come, and maas init minutes to migrate.",
        ],
        {**figures, "idle_step": median(looks)},
    )


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
        began = time.monotonic()
        await _take(service, "a", install())
        installed = time.monotonic() - began
        for number in range(5):
            again = time.monotonic()
            await _take(service, f"look-{number}", [Order("maas-permissions")])
            looks.append(time.monotonic() - again)
        began = time.monotonic()
        await _take(service, "b", reset())
        return [installed, time.monotonic() - began]
    finally:
        await service.close()


async def _take(service: HostService, name: str, orders: list[Order]) -> None:
    texts = {"database_password": DATABASE_PASSWORD, "admin_password": ADMIN_PASSWORD}
    for number, order in enumerate(orders):
        step = StepName(order.step)
        arguments = STEP_ARGUMENTS[step].model_validate(order.arguments)
        secrets = {SecretName(one): SecretStr(texts[one]) for one in order.secrets}
        job: Job = await service.helper.run(f"bench-{name}-{number}", step, arguments, secrets)
        while job.state is JobState.RUNNING:
            job = await service.helper.status(job.job, wait=25)
        if job.rc != 0:
            raise RuntimeError(f"{order.step} ended with {job.rc}: {job.outcome}")
