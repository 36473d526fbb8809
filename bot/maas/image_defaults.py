"""Where images come from by default, by how MAAS was installed and in which version."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

#: MAAS's own default in 2.9, 3.4 and 3.7 alike.
DEFAULT_URL = "http://images.maas.io/ephemeral-v3/stable/"
_KEYRING = "/usr/share/keyrings/ubuntu-cloudimage-keyring.gpg"
#: Inside the snap the host's own keyrings are not there; with the path above every signature counts as wrong.
_SNAP_KEYRING = f"/snap/maas/current{_KEYRING}"
#: From this version on the snap runs its services under pebble, in one service of its own.
_PEBBLE = (3, 5)


class Packaging(StrEnum):
    """How MAAS was installed on the region's host."""

    SNAP = "snap"
    DEB = "deb"


def default_keyring(packaging: Packaging) -> str:
    """The path of the keyring that MAAS's own mirror is checked with."""
    return _SNAP_KEYRING if packaging is Packaging.SNAP else _KEYRING


def packaging_of(keyrings: list[str]) -> Packaging | None:
    """How MAAS was installed, from the keyrings of its sources; None when they don't tell.

    A path below /usr/share tells nothing: people write it on snaps too, where it is the wrong one.
    """
    return Packaging.SNAP if any(one.startswith("/snap/") for one in keyrings) else None


def restart_commands(version: str, packaging: Packaging | None) -> list[str]:
    """What restarts the region, to be typed on its host; where it is not known how MAAS was installed, both ways."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    snap = "sudo snap restart maas" if numbers >= _PEBBLE else "sudo snap restart maas.supervisor"
    deb = "sudo systemctl restart maas-regiond"
    return {Packaging.SNAP: [snap], Packaging.DEB: [deb], None: [snap, deb]}[packaging]


def is_default_url(url: str) -> bool:
    """Whether it is MAAS's own mirror, however it is written."""
    parts, default = urlsplit(url), urlsplit(DEFAULT_URL)
    return (parts.hostname, parts.path.rstrip("/")) == (default.hostname, default.path.rstrip("/"))
