"""What settings must fit together, checked before anything starts; one line for each fault, without its value."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import ValidationError

from bot.policy.file import misnamed

if TYPE_CHECKING:
    from bot.settings import Settings


def faults_of(settings: Settings, wrong: Collection[str] = ()) -> list[str]:
    """Everything that is missing or does not fit. `wrong` names settings whose own fault is known already.

    What follows from those is not said: it would be a guess.
    """
    known = set(wrong)
    if "MAASBOT_MODE" in known:
        known |= {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"}
    regions = [] if "regions" in known else [*_region_faults(settings), *_policy_faults(settings)]
    faults = [*_slack_faults(settings), *regions, *_database_faults(settings)]
    return [line for line in faults if line.partition(":")[0] not in known]


def _slack_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.slack_bot_token is None:
        faults.append("SLACK_BOT_TOKEN: missing; it is the bot token (xoxb-…) of the app's OAuth page")
    elif not settings.slack_bot_token.get_secret_value().startswith("xoxb-"):
        faults.append("SLACK_BOT_TOKEN: must begin with xoxb-")
    if settings.mode == "socket":
        if settings.slack_app_token is None:
            faults.append("SLACK_APP_TOKEN: missing; Socket Mode needs an app-level token (xapp-…)")
        elif not settings.slack_app_token.get_secret_value().startswith("xapp-"):
            faults.append("SLACK_APP_TOKEN: must begin with xapp-")
    elif settings.slack_signing_secret is None:
        faults.append("SLACK_SIGNING_SECRET: missing; http mode checks Slack's signature with it")
    if not re.match(r"https?://[^/\s]+", settings.slack_api_url):
        faults.append("SLACK_API_URL: must be an http or https URL")
    return faults


def _region_faults(settings: Settings) -> list[str]:
    if settings.maas_url is None and not settings.maas_host and not settings.regions:
        return ["MAAS_URL: missing; it looks like http://HOST:5240/MAAS"]
    if (settings.maas_url is not None or settings.maas_host) and "default" in settings.regions:
        name = "MAAS_URL" if settings.maas_url is not None else "MAAS_HOST"
        return [f"{name}: set, and [regions.default] as well; keep one of them"]
    try:
        regions = settings.all_regions()
    except ValidationError as error:
        return [_rename_default(line) for line in describe(error)]
    faults = []
    for name in regions:
        try:
            settings.key_of(name)
        except ValueError as error:
            label = "MAAS_API_KEY_FILE" if name == "default" else f"regions.{name}.api_key_file"
            faults.append(f"{label}: {error}")
    return faults


def _rename_default(line: str) -> str:
    names = {"url: ": "MAAS_URL: ", "api_key: ": "MAAS_API_KEY: "}
    for field, name in names.items():
        if field in line:
            return name + line.split(field, 1)[1]
    return line


def _policy_faults(settings: Settings) -> list[str]:
    own = settings.maas_url is not None or settings.maas_host
    names = {*settings.regions, *(["default"] if own else [])}
    return misnamed(settings.policy, regions=names)


def _database_faults(settings: Settings) -> list[str]:
    if settings.database_url is None:
        return []
    if not re.match(r"(postgres(ql)?|sqlite)://", settings.database_url.get_secret_value()):
        return ["MAASBOT_DATABASE_URL: must begin with postgresql:// or sqlite:///"]
    try:
        sa.make_url(settings.database_url.get_secret_value())
    except (sa.exc.ArgumentError, ValueError):
        return ["MAASBOT_DATABASE_URL: can't be read; characters like @ : / in the password must be percent-encoded"]
    return []


def describe(error: ValidationError) -> list[str]:
    """One line for each value that can't be read."""
    return [_describe_one(dict(detail)) for detail in error.errors(include_input=False, include_url=False)]


def _describe_one(detail: Mapping[str, Any]) -> str:
    location = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{location}: {message[:1].lower()}{message[1:]}" if location else message
