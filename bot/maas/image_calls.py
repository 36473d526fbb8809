"""The calls about images: what there is, where it comes from, what is wanted of it, and the import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import TypeAdapter

from bot.maas import models_images, models_region
from bot.maas.decoding import decode
from bot.maas.errors import NotFound, ServerFault, UnexpectedAnswer
from bot.maas.models_images import EVERYTHING, BootSource, RackImages, Selection
from bot.maas.models_region import BootResource
from bot.maas.transport import Transport, Value

T = TypeVar("T")


class ImageCalls:
    """The part of a region's API that is about images. All methods raise `MaasError`."""

    _transport: Transport

    # -- images ------------------------------------------------------------------------------------------------

    async def boot_resources(self) -> list[BootResource]:
        """All images, without their sets."""
        return await self._images("BootResources", "read", models_region.BOOT_RESOURCES)

    async def boot_resource(self, resource_id: int) -> BootResource:
        """One image with its sets: what is complete, how far the rest is."""
        params: dict[str, str | int] = {"id": resource_id}
        return await self._images("BootResource", "read", models_region.BOOT_RESOURCE, params)

    async def boot_resource_if_there(self, resource_id: int) -> BootResource | None:
        """The same; None when it is gone, which between two calls of an import it may be."""
        try:
            return await self.boot_resource(resource_id)
        except NotFound:
            return None
        except ServerFault as error:
            if error.status == 500:
                return None
            raise

    async def delete_boot_resource(self, resource_id: int) -> bool:
        """Delete an image. False when it was not there: MAAS answers 500 then, after a fault of its own too."""
        params: dict[str, str | int] = {"id": resource_id}
        try:
            await self._transport.call("BootResource", "delete", params=params, subject=f"image {resource_id}")
        except NotFound:
            return False
        except ServerFault as error:
            if "matching query does not exist" in error.problem:
                return False
            raise
        return True

    async def is_importing(self) -> bool:
        """Whether an import of images runs, by whomever: the hourly one of MAAS itself counts."""
        return await self._images("BootResources", "is_importing", models_region.BARE_BOOL)

    async def start_import(self) -> None:
        """Order an import. MAAS says yes also when one runs already, and then nothing comes of it."""
        await self._transport.call("BootResources", "import")

    async def stop_import(self) -> None:
        """Order the import to stop. It is heard between two parts of 10 MiB only: by a stalled import, never."""
        await self._transport.call("BootResources", "stop_import")

    async def create_upload(
        self, name: str, architecture: str, *, filetype: str, sha256: str, size: int, title: str = ""
    ) -> BootResource:
        """Announce an image of one's own; its parts go to its file's `upload_uri`.

        Raises:
            BadRequest: a value does not fit.
        """
        data: dict[str, Value] = {"name": name, "architecture": architecture, "filetype": filetype}
        data.update(sha256=sha256, size=size)
        if title:
            data["title"] = title
        answer = await self._transport.call("BootResources", "create", data=data, subject=f"image {name}")
        return decode(models_region.BOOT_RESOURCE, answer.body, endpoint="BootResources.create")

    async def upload_part(self, upload_uri: str, part: bytes) -> None:
        """Send the next part. It is appended: what was sent in doubt must not be sent again."""
        await self._transport.put(upload_uri, part, endpoint="BootResourceFile.upload", subject="the upload")

    # -- racks -------------------------------------------------------------------------------------------------

    async def rack_images(self, system_id: str) -> RackImages:
        """What a rack controller has of the region's images."""
        params: dict[str, str | int] = {"system_id": system_id}
        return await self._images("RackController", "list_boot_images", models_images.RACK_IMAGES, params)

    async def start_rack_import(self) -> None:
        """Let all rack controllers fetch what the region has."""
        await self._transport.call("RackControllers", "import_boot_images")

    # -- sources -----------------------------------------------------------------------------------------------

    async def boot_sources(self) -> list[BootSource]:
        """All sources. Raises Forbidden for a key without administrator's rights."""
        return await self._images("BootSources", "read", models_images.BOOT_SOURCES)

    async def create_boot_source(
        self, url: str, *, keyring_filename: str = "", keyring_data: bytes = b""
    ) -> BootSource:
        """Add a source. Nothing can be selected of it before MAAS has read its index, a second or two later.

        Raises:
            BadRequest: no URL, one that is there already, or neither keyring.
        """
        data: dict[str, Value] = {"url": url}
        if keyring_filename:
            data["keyring_filename"] = keyring_filename
        # As a field of the form it would be ignored.
        files = {"keyring_data": keyring_data} if keyring_data else None
        answer = await self._transport.call("BootSources", "create", data=data, files=files, subject=f"source {url}")
        return decode(models_images.BOOT_SOURCE, answer.body, endpoint="BootSources.create")

    async def update_boot_source(self, source_id: int, *, url: str, keyring_filename: str) -> BootSource:
        """Change a source; its selections stay."""
        data: dict[str, Value] = {"url": url, "keyring_filename": keyring_filename}
        params: dict[str, str | int] = {"id": source_id}
        subject = f"source {source_id}"
        answer = await self._transport.call("BootSource", "update", params=params, data=data, subject=subject)
        return decode(models_images.BOOT_SOURCE, answer.body, endpoint="BootSource.update")

    async def delete_boot_source(self, source_id: int) -> bool:
        """Delete a source with its selections. False when it was not there. The next import deletes its images."""
        params: dict[str, str | int] = {"id": source_id}
        try:
            await self._transport.call("BootSource", "delete", params=params, subject=f"source {source_id}")
        except NotFound:
            return False
        return True

    # -- selections --------------------------------------------------------------------------------------------

    async def selections(self, source_id: int) -> list[Selection]:
        """What is wanted of a source."""
        params: dict[str, str | int] = {"boot_source_id": source_id}
        return await self._images("BootSourceSelections", "read", models_images.SELECTIONS, params)

    async def create_selection(self, source_id: int, os: str, release: str, arches: Sequence[str]) -> Selection:
        """Select a release.

        Raises:
            BadRequest: it is selected already, the source has no such release or architecture, or MAAS has not
                read the source's index yet, which it words as if there were no such release.
        """
        params: dict[str, str | int] = {"boot_source_id": source_id}
        answer = await self._transport.call(
            "BootSourceSelections",
            "create",
            params=params,
            data=_selection(os, release, arches),
            subject=f"{os}/{release}",
        )
        return decode(models_images.SELECTION, answer.body, endpoint="BootSourceSelections.create")

    async def update_selection(self, selection: Selection, arches: Sequence[str]) -> Selection:
        """Select other architectures of a release. Raises BadRequest as `create_selection`."""
        params: dict[str, str | int] = {"boot_source_id": selection.boot_source_id, "id": selection.id}
        answer = await self._transport.call(
            "BootSourceSelection",
            "update",
            params=params,
            data=_selection(selection.os, selection.release, arches),
            subject=f"{selection.os}/{selection.release}",
        )
        return decode(models_images.SELECTION, answer.body, endpoint="BootSourceSelection.update")

    async def delete_selection(self, source_id: int, selection_id: int) -> bool:
        """Deselect a release; False when it was not selected. Its images go with the next import.

        Raises:
            BadRequest: it is the release that machines are commissioned with.
        """
        params: dict[str, str | int] = {"boot_source_id": source_id, "id": selection_id}
        try:
            await self._transport.call(
                "BootSourceSelection", "delete", params=params, subject=f"selection {selection_id}"
            )
        except NotFound:
            return False
        return True

    async def _images(
        self, handler: str, action: str, adapter: TypeAdapter[T], params: dict[str, str | int] | None = None
    ) -> T:
        subject = f"{handler} {next(iter(params.values()))}" if params else ""
        answer = await self._transport.call(handler, action, params=params, subject=subject)
        return decode(adapter, answer.body, endpoint=f"{handler}.{action}")


def upload_place(resource: BootResource) -> str:
    """Where the parts of an upload go. Raises UnexpectedAnswer when the region does not say."""
    files = [file for one in resource.sets.values() for file in one.files.values() if file.upload_uri]
    if not files:
        raise UnexpectedAnswer(f"The region did not say where to send the image {resource.name}.")
    return files[0].upload_uri


def _selection(os: str, release: str, arches: Sequence[str]) -> dict[str, Value]:
    return {"os": os, "release": release, "arches": list(arches), "subarches": EVERYTHING, "labels": EVERYTHING}
