"""The scripts by which a host's administrator installs the helper, and takes it away again. The bot never does."""

from __future__ import annotations

import re
from importlib import resources

from bot.host.bundle import bundle, digest
from bot.host.protocol import HELPER_PATH

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,3}( [\w@.+:-]*)?"
)

#: Tried with allow and deny cases on a real sudo; no wildcard, and no argument.
_SUDOERS = f"""\
Defaults:{{user}} !requiretty, env_reset, !setenv, secure_path="/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin", \
passwd_tries=0, !lecture
Defaults:{{user}} env_delete += "PYTHONPATH PYTHONSTARTUP APT_CONFIG", syslog=authpriv
{{user}} ALL=(root:root) NOPASSWD: {HELPER_PATH} ""
"""


class InstallError(ValueError):
    """A user name or key that can't be put into a script."""


def install_script(user: str, public_key: str) -> str:
    """The script that installs the helper for this user and key; running it again changes nothing.

    Raises:
        InstallError: the user name or the key is not of its form.
    """
    _checked(user)
    key = public_key.strip()
    if not _KEY.fullmatch(key):
        raise InstallError("the key must be one line like: ssh-ed25519 AAAA… comment")
    helper = bundle()
    return _template("install.sh").format(
        user=user, path=HELPER_PATH, key=key, sha256=digest(helper), sudoers=sudoers(user), helper=helper
    )


def uninstall_script(user: str) -> str:
    """The script that takes it away again. Backups stay, and are named."""
    _checked(user)
    return _template("uninstall.sh").format(user=user, path=HELPER_PATH)


def sudoers(user: str) -> str:
    """What sudo allows the user: the helper, as root, without arguments."""
    return _SUDOERS.format(user=user)


def _checked(user: str) -> None:
    if not _USER.fullmatch(user) or user == "root":
        raise InstallError("the user must be a plain account name, and not root")


def _template(name: str) -> str:
    return (resources.files("bot.host") / "scripts" / name).read_text(encoding="utf-8")
