"""The steps of an install and of a reset, one after the other, as the bot takes them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.support.host_machine import Machine

#: With all that a shell, SQL and an address could trip over.
DATABASE_PASSWORD = "dB p'w\"$(id)`id`\\%s:@/?#"
ADMIN_PASSWORD = "Adm1n '\"$(id)`\\ pä"


@dataclass(frozen=True)
class Order:
    """One step to be taken."""

    step: str
    arguments: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)


def install(database: str = "production", channel: str = "2.9/stable") -> list[Order]:
    first = [
        Order("preflight", {"channel": channel, "database": database}),
        Order("snapd"),
        Order("snap-install", {"snap": "maas", "channel": channel}),
    ]
    secret = {"database_password": DATABASE_PASSWORD}
    if database == "test":
        second = [
            Order("snap-install", {"snap": "maas-test-db", "channel": channel}),
            Order("maas-init", {"database": "test"}),
        ]
    else:
        region = {"name": "maas", "role": "maas"}
        second = [
            Order("postgresql-install"),
            Order("role-create", {"role": "maas"}, secret),
            Order("database-create", region),
            Order("pg-hba-allow", {"database": "maas", "role": "maas"}),
            Order("maas-init", {"database": "production", **region}, secret),
        ]
    third = [
        Order("maas-permissions"),
        Order("maas-ready", {"timeout": 60}),
        Order("maas-admin", {"username": "admin", "email": "admin@example.org"}, {"admin_password": ADMIN_PASSWORD}),
    ]
    return first + second + third


def reset() -> list[Order]:
    return [
        *(Order("snap-remove", {"snap": name}) for name in ("maas-cli", "maas", "maas-test-db")),
        Order("database-drop", {"name": "maas"}),
        Order("role-drop", {"role": "maas"}),
        Order("pg-hba-remove", {"database": "maas", "role": "maas"}),
        Order("postgresql-purge", {"databases": ["maas"]}),
    ]


_numbers = itertools.count(1)


def begin(machine: Machine, order: Order) -> str:
    """Start a step under a new id."""
    job = f"op-test-{next(_numbers)}"
    machine.result(verb="run", job=job, step=order.step, arguments=order.arguments, secrets=order.secrets)
    return job


def take(machine: Machine, order: Order) -> dict[str, Any]:
    """Take a step to its end."""
    return machine.wait(begin(machine, order))


def take_all(machine: Machine, orders: list[Order]) -> list[bool]:
    """Take steps one after the other, all of which have to come to a good end; which of them changed something."""
    changed = []
    for order in orders:
        told = take(machine, order)
        assert told["rc"] == 0, (order.step, told)
        changed.append(told["outcome"]["changed"])
    return changed
