"""version/ and describe/: what a client asks first, without a key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from sandbox.maas import data_files
from sandbox.maas.answers import BARE_JSON, Answer, json_answer
from sandbox.maas.context import Context
from sandbox.maas.request import ApiRequest
from sandbox.maas.routing import Route

RECORDED_ROOT = "http://maas.test:5240/MAAS"


class MetaApi:
    """`root` gives the region's address, which the description names in every URI."""

    def __init__(self, context: Context, root: Callable[[], str]) -> None:
        self._version = context.world.version
        self._root = root
        self._text = ""

    def routes(self) -> Iterable[Route]:
        yield Route("version/", "GET", None, self._read_version, anonymous=True)
        yield Route("describe/", "GET", None, self._describe, anonymous=True)

    def _read_version(self, _: ApiRequest) -> Answer:
        return json_answer(data_files.load(self._version, "version"))

    def _describe(self, _: ApiRequest) -> Answer:
        if not self._text:
            self._text = json.dumps(data_files.load_describe(self._version), indent=4, sort_keys=True)
        return Answer(200, BARE_JSON, self._text.replace(RECORDED_ROOT, self._root()).encode())
