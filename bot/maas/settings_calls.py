"""The calls about a region's settings: its configuration, package archives, notices, and the SSH keys of its user."""

from __future__ import annotations

from bot.maas import models_network as models
from bot.maas.decoding import decode
from bot.maas.transport import Transport, Value


class SettingsCalls:
    """The part of a region's API that is about its settings. All methods raise `MaasError`."""

    _transport: Transport

    async def set_config(self, name: str, value: str) -> None:
        """Change a setting; MAAS reads booleans and numbers out of the text.

        Raises:
            BadRequest: no such setting, or MAAS does not take the value; the text is MAAS's own.
        """
        data: dict[str, Value] = {"name": name, "value": value}
        await self._transport.call("MAAS", "set_config", data=data, subject=f"setting {name}")

    async def package_repositories(self) -> list[models.PackageRepository]:
        """Where machines get their packages from; the default ones are main_archive and ports_archive."""
        answer = await self._transport.call("PackageRepositories", "read")
        return decode(models.PACKAGE_REPOSITORIES, answer.body, endpoint="PackageRepositories.read")

    async def set_archive(self, repository_id: int, url: str) -> None:
        """Change the address of an archive; the rest of it stays.

        Raises:
            BadRequest: it is no URL.
        """
        params: dict[str, str | int] = {"id": repository_id}
        await self._transport.call("PackageRepository", "update", params=params, data={"url": url}, subject="archive")

    async def dismiss_notification(self, notification_id: int) -> None:
        """Hide a notice from the key's user.

        Raises:
            NotFound: it is not there.
            ServerFault: it can't be dismissed; look at `dismissable` first.
        """
        params: dict[str, str | int] = {"id": notification_id}
        await self._transport.call("Notification", "dismiss", params=params, subject=f"notice {notification_id}")

    async def ssh_keys(self) -> list[models.SshKey]:
        """The public keys of the API key's user: they get onto the machines that this user deploys."""
        answer = await self._transport.call("SSHKeys", "read")
        return decode(models.SSH_KEYS, answer.body, endpoint="SSHKeys.read")

    async def add_ssh_key(self, key: str) -> models.SshKey:
        """Add a public key.

        Raises:
            BadRequest: it is no key, or it is there already.
        """
        # MAAS takes the same key with another end of line for another key.
        answer = await self._transport.call("SSHKeys", "create", data={"key": key.strip()}, subject="this key")
        return decode(models.SSH_KEY, answer.body, endpoint="SSHKeys.create")

    async def import_ssh_keys(self, source: str) -> None:
        """Let MAAS fetch keys from Launchpad (lp:NAME) or GitHub (gh:NAME).

        Raises:
            BadRequest: nobody of that name, no keys there, or MAAS has no way to the internet.
        """
        await self._transport.call("SSHKeys", "import", data={"keysource": source}, subject=source)

    async def delete_ssh_key(self, key_id: int) -> None:
        """Remove a public key. Machines that are deployed keep it.

        Raises:
            NotFound: it is not there.
        """
        await self._transport.call("SSHKey", "delete", params={"id": key_id}, subject=f"key {key_id}")
