"""boot-resources/, boot-sources/ and their selections."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterable
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
from sandbox.maas.boot_sources import BootSource, Selection
from sandbox.maas.context import Context
from sandbox.maas.images import BootFile, BootResource
from sandbox.maas.request import ApiRequest, Form
from sandbox.maas.routing import Route

SOURCES = "boot-sources/"
SOURCE = "boot-sources/{id}/"
SELECTIONS = "boot-sources/{source}/selections/"
SELECTION = "boot-sources/{source}/selections/{id}/"
DENIED = "User is not allowed access to this API."
CENTOS = {"centos70", "centos8"}
INDEX_SECONDS = 1.5
"""Until the index of a new source was read, none of its releases can be selected."""


class ImagesApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world
        self._images = context.world.images
        context.timers.register("index-read", self._index_read)

    def routes(self) -> Iterable[Route]:
        resources, one = "boot-resources/", "boot-resources/{id}/"
        yield Route(resources, "GET", None, self._list)
        yield Route(resources, "GET", "is_importing", lambda _: json_answer(self._images.importing))
        yield Route(resources, "POST", "import", self._import, admin=True)
        yield Route(resources, "POST", "stop_import", self._stop, admin=True)
        yield Route(resources, "POST", None, self._upload, admin=True)
        yield Route(one, "GET", None, self._read)
        yield Route(one, "DELETE", None, self._delete, admin=True)
        yield Route("boot-resources/{id}/upload/{file}/", "PUT", None, self._upload_chunk, admin=True)
        for pattern, method, handler in (
            (SOURCES, "GET", self._list_sources),
            (SOURCES, "POST", self._create_source),
            (SOURCE, "GET", self._read_source),
            (SOURCE, "PUT", self._update_source),
            (SOURCE, "DELETE", self._delete_source),
            (SELECTIONS, "GET", self._list_selections),
            (SELECTIONS, "POST", self._create_selection),
            (SELECTION, "GET", self._read_selection),
            (SELECTION, "PUT", self._update_selection),
            (SELECTION, "DELETE", self._delete_selection),
        ):
            yield Route(pattern, method, None, handler, admin=True, denied=DENIED)

    def _not_found(self, model: str) -> Refusal:
        return Refusal(text_answer(self._context.missing(model), 404, BARE_TEXT))

    def _list(self, request: ApiRequest) -> Answer:
        kind = request.query.get("type")
        if kind not in (None, "synced", "uploaded", "generated"):
            raise refuse(
                400,
                f"'{kind}' is not a valid boot resource type. Available types: ['synced', 'generated', 'uploaded']",
            )
        rows = [
            r.as_json(old=self._world.old, recent=self._world.recent, sets=False)
            for r in sorted(self._images.resources.values(), key=lambda r: (r.kind, r.name, r.architecture))
            if kind is None or r.kind.lower() == kind
        ]
        return json_answer(rows)

    def _read(self, request: ApiRequest) -> Answer:
        found = self._images.resources.get(int(request.parts["id"]))
        if found is None:
            raise self._not_found("BootResource")
        return json_answer(found.as_json(old=self._world.old, recent=self._world.recent, sets=True))

    def _delete(self, request: ApiRequest) -> Answer:
        number = int(request.parts["id"])
        if number not in self._images.resources:
            raise refuse(500, "BootResource matching query does not exist.")
        del self._images.resources[number]
        return no_content()

    def _import(self, _: ApiRequest) -> Answer:
        self._world.effects[("import", "")] += 1
        self._context.imports.start()
        return text_answer("Import of boot resources started")

    def _stop(self, _: ApiRequest) -> Answer:
        self._world.effects[("stop_import", "")] += 1
        self._context.imports.stop()
        return text_answer("Import of boot resources is being stopped")

    def _upload(self, request: ApiRequest) -> Answer:
        form = request.form
        content = request.files.get("content")
        needed = ["name", "architecture"] + ([] if content is not None else ["sha256", "size"])
        if missing := {n: "This field is required." for n in needed if not form.get(n)}:
            raise refuse_form(missing)
        filetype = {"tgz": "root-tgz", "tbz": "root-tbz", "txz": "root-txz", "ddtgz": "root-dd"}.get(
            form.text("filetype", "tgz"), f"root-{form.text('filetype').replace('ddgz', 'dd.gz')}"
        )
        if content is not None:
            file = BootFile(filetype, hashlib.sha256(content).hexdigest(), len(content), len(content))
        else:
            file = BootFile(filetype, form["sha256"], int(form["size"]))
        resource = BootResource(
            self._images.take_id("resource"),
            "Uploaded",
            form["name"].removeprefix("custom/"),
            form["architecture"],
            "generic",
            time.strftime("%Y%m%d", time.gmtime()),
            [file],
            label="uploaded",
            title=form.text("title"),
            base_image=form.text("base_image") or f"ubuntu/{self._world.settings['commissioning_distro_series']}",
        )
        self._images.resources[resource.id] = resource
        row = resource.as_json(old=self._world.old, recent=self._world.recent, sets=True)
        if not file.complete:
            uri = f"/MAAS/api/2.0/boot-resources/{resource.id}/upload/{resource.id}/"
            row["sets"][resource.version]["files"][filetype]["upload_uri"] = uri
        return json_answer(row, 201)

    def _upload_chunk(self, request: ApiRequest) -> Answer:
        found = self._images.resources.get(int(request.parts["id"]))
        if found is None:
            raise self._not_found("BootResource")
        file = found.files[0]
        if file.done + len(request.body) > file.size:
            raise refuse(400, "Too much data received.")
        file.done += len(request.body)
        return Answer(200, BARE_TEXT)

    def _source(self, text: str) -> BootSource:
        number = int(text)
        found = next((s for s in self._images.sources if s.id == number), None)
        if found is None:
            raise self._not_found("BootSource")
        return found

    def _list_sources(self, _: ApiRequest) -> Answer:
        return json_answer([s.as_json() for s in self._images.sources])

    def _read_source(self, request: ApiRequest) -> Answer:
        return json_answer(self._source(request.parts["id"]).as_json())

    def _create_source(self, request: ApiRequest) -> Answer:
        form = request.form
        errors = self._url_errors(form.text("url"), None)
        keyring = request.files.get("keyring_data", b"")
        if not keyring and not form.text("keyring_filename"):
            errors["__all__"] = "One of keyring_data or keyring_filename must be specified."
        if errors:
            raise refuse_form(errors)
        source = self._images.add_source(form["url"], form.text("keyring_filename"))
        source.keyring_data = base64.b64encode(keyring).decode()
        source.index_read = False
        self._context.timers.after(INDEX_SECONDS, "index-read", source.id)
        return json_answer(source.as_json(), 201)

    def _index_read(self, number: int) -> None:
        if any(self._context.faults.is_active(name) for name in ("index-missing", "index-signature")):
            self._context.timers.after(INDEX_SECONDS, "index-read", number)
            return
        for source in self._images.sources:
            if source.id == number:
                source.index_read = True

    def _url_errors(self, url: str, own: BootSource | None) -> dict[str, list[str] | str]:
        if not url:
            return {"url": "This field is required."}
        if urlparse(url).scheme not in ("http", "https"):
            return {"url": "Enter a valid URL."}
        if any(s.url == url and s is not own for s in self._images.sources):
            return {"url": "Boot source with this Url already exists."}
        return {}

    def _update_source(self, request: ApiRequest) -> Answer:
        source, form = self._source(request.parts["id"]), request.form
        if errors := self._url_errors(form.get("url", source.url), source):
            raise refuse_form(errors)
        source.url = form.get("url", source.url)
        source.keyring_filename = form.get("keyring_filename", source.keyring_filename)
        source.updated = time.time()
        return json_answer(source.as_json())

    def _delete_source(self, request: ApiRequest) -> Answer:
        self._images.sources.remove(self._source(request.parts["id"]))
        return no_content()

    def _selection(self, request: ApiRequest) -> tuple[BootSource, Selection]:
        source, number = self._source(request.parts["source"]), int(request.parts["id"])
        found = next((s for s in source.selections if s.id == number), None)
        if found is None:
            raise self._not_found("BootSourceSelection")
        return source, found

    def _list_selections(self, request: ApiRequest) -> Answer:
        source = self._source(request.parts["source"])
        return json_answer([s.as_json(source.id) for s in source.selections])

    def _read_selection(self, request: ApiRequest) -> Answer:
        source, selection = self._selection(request)
        return json_answer(selection.as_json(source.id))

    def _create_selection(self, request: ApiRequest) -> Answer:
        source, form = self._source(request.parts["source"]), request.form
        os, release, arches = form.text("os"), form.text("release"), form.all("arches")
        self._check_selection(source, None, os, release, arches)
        selection = Selection(
            self._images.take_id("selection"), os, release, arches, form.all("subarches"), form.all("labels")
        )
        source.selections.append(selection)
        return json_answer(selection.as_json(source.id))

    def _check_selection(
        self, source: BootSource, own: Selection | None, os: str, release: str, arches: list[str]
    ) -> None:
        # "" matches every OS in MAAS's look-up, which is how a selection without an OS gets through
        on_mirror = (os in ("ubuntu", "") and release in self._images.mirror) or (os == "centos" and release in CENTOS)
        if not on_mirror or not source.index_read:
            words = f"OS {os} with release {release} has no available images for download"
            raise refuse_form({"os": words})
        if missing := [a for a in arches if a not in ("amd64", "arm64", "*")]:
            raise refuse_form({"arches": f"No available images to download for {missing}"})
        if any((s.os, s.release) == (os, release) and s is not own for s in source.selections):
            text = "Boot source selection with this Boot source, Os and Release already exists."
            raise refuse_form({"__all__": text}, content_type=BARE_JSON)

    def _update_selection(self, request: ApiRequest) -> Answer:
        source, selection = self._selection(request)
        form: Form = request.form
        os, release = form.get("os", selection.os), form.get("release", selection.release)
        arches = form.all("arches") or selection.arches
        self._check_selection(source, selection, os, release, arches)
        selection.os, selection.release, selection.arches = os, release, arches
        selection.subarches = form.all("subarches") or selection.subarches
        selection.labels = form.all("labels") or selection.labels
        return json_answer(selection.as_json(source.id))

    def _delete_selection(self, request: ApiRequest) -> Answer:
        source, selection = self._selection(request)
        settings = self._world.settings
        if (selection.os, selection.release) == ("ubuntu", settings["commissioning_distro_series"]):
            # the text is broken in MAAS, too
            raise refuse(
                400,
                "Unable to delete %s %s. It is the operating system used in ephemeral environments.",
            )
        source.selections.remove(selection)
        return no_content()
