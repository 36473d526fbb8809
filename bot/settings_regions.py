"""Regions and hosts as the settings name them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

_API_KEY = re.compile(r"[^:\s]+:[^:\s]+:[^:\s]+")


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_empty_is_none)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]


class HostSettings(BaseModel):
    """How to reach a region's host over SSH."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    host: str
    ssh_port: int = Field(22, ge=1, le=65535)
    ssh_user: str = "maasbot"
    ssh_key_file: OptionalPath = None
    ssh_known_hosts: OptionalPath = None


class RegionSettings(BaseModel):
    """One MAAS region: where its API is, the key for it, and its host where known."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str
    api_key: OptionalSecret = None
    api_key_file: OptionalPath = None
    host: HostSettings | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not re.match(r"https?://[^/\s]+", self.url):
            raise ValueError("url: must look like http://HOST:5240/MAAS")
        if re.match(r"https?://[^/\s]*@", self.url):
            raise ValueError("url: must not contain a user name or a password; the API key is enough")
        if self.api_key is None and self.api_key_file is None and self.host is None:
            # With a host there may be no MAAS yet: the bot installs it, and has a key made for itself.
            raise ValueError("api_key: missing; give it or api_key_file")
        if self.api_key is not None and not _API_KEY.fullmatch(self.api_key.get_secret_value().strip()):
            raise ValueError("api_key: must be three parts joined by colons, as 'maas apikey' prints it")
        return self

    def key(self) -> SecretStr | None:
        """The API key itself; None where the region has a host, and MAAS has not been installed on it yet.

        Raises:
            ValueError: the file can't be read or holds no key.
        """
        if self.api_key is not None:
            return SecretStr(self.api_key.get_secret_value().strip())
        if self.api_key_file is None or (self.host is not None and not self.api_key_file.exists()):
            return None
        return key_in(self.api_key_file)


def key_in(path: Path) -> SecretStr:
    """The API key in a file.

    Raises:
        ValueError: it can't be read or holds no key.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise ValueError(f"{path} can't be read ({reason})") from None
    if not _API_KEY.fullmatch(text):
        raise ValueError(f"{path} holds no API key (three parts joined by colons)")
    return SecretStr(text)
