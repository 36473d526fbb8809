"""maas/: get_config and set_config; package-repositories/, of which two are settings as well."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlparse

from sandbox.maas.answers import (
    BARE_JSON,
    BARE_TEXT,
    Answer,
    Refusal,
    json_answer,
    no_content,
    refuse,
    refuse_form,
    text_answer,
)
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route
from sandbox.maas.users import API

ARCHIVES = ("main_archive", "ports_archive")
REPOSITORIES = "package-repositories/"
LIST_FIELDS = ("distributions", "disabled_pockets", "disabled_components", "components", "arches")


class SettingsApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        yield Route("maas/", "GET", "get_config", self._get)
        yield Route("maas/", "POST", "set_config", self._set, admin=True)
        one = f"{REPOSITORIES}{{id}}/"
        yield Route(REPOSITORIES, "GET", None, lambda _: json_answer(self._world.repositories))
        yield Route(REPOSITORIES, "POST", None, self._create_repository, admin=True)
        yield Route(one, "GET", None, lambda r: json_answer(self._repository(r)))
        yield Route(one, "PUT", None, self._update_repository, admin=True)
        yield Route(one, "DELETE", None, self._delete_repository, admin=True)

    def _check_name(self, name: str | None) -> str:
        if not name:
            raise refuse(400, "No provided name!")
        if name not in self._world.settings:
            valid = ", ".join(n for n in self._world.settings if n not in ARCHIVES)
            text = f"{name} is not a valid config setting (valid settings are: {valid})."
            raise refuse_form({name: text}, content_type=BARE_JSON)
        return name

    def _get(self, request: ApiRequest) -> Answer:
        name = self._check_name(request.query.get("name"))
        if name in ARCHIVES:
            found = next(r for r in self._world.repositories if r["name"] == name)
            return json_answer(found["url"], content_type=BARE_JSON)
        return json_answer(self._world.settings[name], content_type=BARE_JSON)

    def _set(self, request: ApiRequest) -> Answer:
        form = request.form
        if not form.get("name"):
            raise refuse(400, "No provided name!")
        if "value" not in form:
            raise refuse(400, "No provided value!")
        name = self._check_name(form["name"])
        value = self._checked(name, form["value"])
        if name in ARCHIVES:
            next(r for r in self._world.repositories if r["name"] == name)["url"] = value
        self._world.settings[name] = value
        self._world.audit(request.caller, "Settings", f"Updated configuration setting '{name}' to '{value}'.")
        return text_answer("OK", content_type=BARE_TEXT)

    def _checked(self, name: str, value: str) -> Any:
        if name == "upstream_dns":
            addresses = value.replace(",", " ").split()
            for address in addresses:
                if not _is_address(address):
                    raise refuse_form(
                        {name: f"Invalid IP address: {address}; provide a list of space-separated IP addresses"}
                    )
            return " ".join(addresses)
        if name == "maas_name" and not value:
            raise refuse_form({name: "This field is required."})
        if name in ("http_proxy", *ARCHIVES) and value and urlparse(value).scheme not in ("http", "https"):
            raise refuse_form({name: "Enter a valid URL."})
        if name in ("default_osystem", "default_distro_series", "commissioning_distro_series"):
            self._check_image(name, value)
        current = self._world.settings[name]
        if isinstance(current, bool):
            return value.strip().lower() not in ("false", "0", "")
        if isinstance(current, int):
            if not value.lstrip("-").isdigit():
                raise refuse_form({name: "Enter a whole number."})
            return int(value)
        return value

    def _check_image(self, name: str, value: str) -> None:
        usable = [n for n in self._world.images.usable() if n.startswith("ubuntu/")]
        known = {"ubuntu"} if name == "default_osystem" else {n.partition("/")[2] for n in usable}
        if usable and value in known:
            return
        what = {"default_osystem": "osystem", "default_distro_series": "release"}.get(name, name)
        choices = ", ".join(f"'{k}'" for k in sorted(known)) if usable else "'---'"
        raise refuse_form({name: f"'{value}' is not a valid {what}.  It should be one of: {choices}."})

    def _repository(self, request: ApiRequest) -> dict[str, Any]:
        key = request.parts["id"]
        found = next((r for r in self._world.repositories if key in (str(r["id"]), r["name"])), None)
        if found is None:
            raise Refusal(text_answer(self._context.missing("PackageRepository"), 404, BARE_TEXT))
        return found

    def _checked_url(self, url: str) -> str:
        if not url:
            raise refuse_form({"url": "This field is required."})
        if not url.startswith(("http://", "https://", "ppa:")):
            raise refuse_form({"url": "Enter a valid repository URL or PPA location."})
        return url

    def _create_repository(self, request: ApiRequest) -> Answer:
        form = request.form
        if any(r["name"] == form.text("name") for r in self._world.repositories):
            raise refuse_form({"name": "Package repository with this Name already exists."})
        url = self._checked_url(form.text("url"))
        number = max((r["id"] for r in self._world.repositories), default=0) + 1
        made: dict[str, Any] = {
            "name": form.text("name"),
            "url": url,
            **{name: form.all(name) for name in LIST_FIELDS},
            "disable_sources": form.flag("disable_sources"),
            "key": form.text("key"),
            "enabled": form.flag("enabled", default=True),
            "id": number,
            "resource_uri": f"{API}/{REPOSITORIES}{number}/",
        }
        self._world.repositories.append(made)
        return json_answer(made)

    def _update_repository(self, request: ApiRequest) -> Answer:
        found, form = self._repository(request), request.form
        if "url" in form:
            found["url"] = self._checked_url(form["url"])
        for name in LIST_FIELDS:
            if name in form:
                found[name] = form.all(name)
        if "enabled" in form:
            found["enabled"] = form.flag("enabled")
        return json_answer(found)

    def _delete_repository(self, request: ApiRequest) -> Answer:
        found = self._repository(request)
        if found["name"] in ARCHIVES:
            raise refuse(400, "Cannot delete default Ubuntu archives.")
        self._world.repositories.remove(found)
        return no_content()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
