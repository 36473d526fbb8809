"""account/: API keys of the caller; account/prefs/sshkeys/."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable

from sandbox.maas.answers import (
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
from sandbox.maas.users import API, Token

KEYS = "account/prefs/sshkeys/"


class AccountApi:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._world = context.world

    def routes(self) -> Iterable[Route]:
        yield Route("account/", "POST", "create_authorisation_token", self._create_token)
        yield Route("account/", "POST", "delete_authorisation_token", self._delete_token)
        yield Route("account/", "GET", "list_authorisation_tokens", self._list_tokens)
        yield Route(KEYS, "GET", None, self._list_keys)
        yield Route(KEYS, "POST", None, self._add_key)
        yield Route(KEYS, "POST", "import", self._import_keys)
        yield Route(f"{KEYS}{{id}}/", "GET", None, self._read_key)
        yield Route(f"{KEYS}{{id}}/", "DELETE", None, self._delete_key)

    def _create_token(self, request: ApiRequest) -> Answer:
        token = Token.make(self._world.rng, request.form.get("name") or "MAAS consumer")
        request.caller.tokens.append(token)
        return json_answer(
            {
                "token_key": token.token_key,
                "token_secret": token.token_secret,
                "consumer_key": token.consumer_key,
                "name": token.name,
            }
        )

    def _delete_token(self, request: ApiRequest) -> Answer:
        key = request.form.get("token_key")
        if key is None:
            raise refuse(400, "No provided token_key!")
        user = request.caller
        user.tokens = [t for t in user.tokens if t.token_key != key]
        return no_content()

    def _list_tokens(self, request: ApiRequest) -> Answer:
        return json_answer([{"name": t.name, "token": t.api_key} for t in request.caller.tokens])

    def _mine(self, request: ApiRequest) -> list[dict[str, object]]:
        return [k for k in self._world.sshkeys if k["user"] == request.caller.username]

    def _shown(self, key: dict[str, object]) -> dict[str, object]:
        return {
            "id": key["id"],
            "key": key["key"],
            "keysource": key.get("keysource", ""),
            "resource_uri": f"{API}/{KEYS}{key['id']}/",
        }

    def _list_keys(self, request: ApiRequest) -> Answer:
        return json_answer([self._shown(k) for k in self._mine(request)])

    def _find(self, request: ApiRequest) -> dict[str, object]:
        number = int(request.parts["id"])
        found = next((k for k in self._mine(request) if k["id"] == number), None)
        if found is None:
            raise Refusal(text_answer(self._context.missing("SSHKey"), 404, BARE_TEXT))
        return found

    def _read_key(self, request: ApiRequest) -> Answer:
        return json_answer(self._shown(self._find(request)))

    def _add_key(self, request: ApiRequest) -> Answer:
        key = request.form.text("key")
        if not key:
            raise refuse_form({"key": "This field is required."})
        if fault := _key_fault(key):
            fault = "Invalid value." if self._world.recent else fault
            raise refuse_form({"key": f"Invalid SSH public key: {fault}"})
        if any(k["key"] == key for k in self._mine(request)):
            raise refuse_form({"__all__": "This key has already been added for this user."})
        made: dict[str, object] = {
            "id": self._world.take_id("sshkey"),
            "key": key,
            "user": request.caller.username,
        }
        self._world.sshkeys.append(made)
        told = {"key": key, "id": made["id"]}
        return json_answer(told if self._world.recent else {**told, "keysource": None}, 201)

    def _import_keys(self, request: ApiRequest) -> Answer:
        source = request.form.text("keysource")
        if not source:
            raise refuse_form({"keysource": "This field is required."})
        name = source.partition(":")[2]
        if self._world.key_sources is not None:
            return self._imported(request, source, name)
        # a region without a way out says so in the words of its HTTP library
        raise refuse(
            400,
            f"HTTPSConnectionPool(host='launchpad.net', port=443): Max retries exceeded with url: /~{name}/"
            "+sshkeys (Caused by NewConnectionError('<urllib3.connection.HTTPSConnection object at"
            " 0x7f540d292370>: Failed to establish a new connection: [Errno -3] Temporary failure in name"
            " resolution'))",
        )

    def _imported(self, request: ApiRequest, source: str, name: str) -> Answer:
        keys = (self._world.key_sources or {}).get(source)
        if keys is None:
            raise refuse(400, f"Unable to import SSH keys. {source.partition(':')[0]} user {name} doesn't exist.")
        if not keys:
            raise refuse(400, f"Unable to import SSH keys. There are no SSH keys for {name}.")
        known = {k["key"] for k in self._mine(request)}
        for key in keys:
            if key not in known:
                number = self._world.take_id("sshkey")
                self._world.sshkeys.append(
                    {"id": number, "key": key, "user": request.caller.username, "keysource": source}
                )
        return json_answer([self._shown(k) for k in self._mine(request)])

    def _delete_key(self, request: ApiRequest) -> Answer:
        self._world.sshkeys.remove(self._find(request))
        return no_content()


def _key_fault(key: str) -> str:
    """What is wrong with an SSH public key, in the words of the region; "" if nothing."""
    parts = key.split()
    if len(parts) < 2:
        return (
            "Key should contain 2 or more space separated parts (key type, base64-encoded key, optional"
            f" comments), not {len(parts)}: {key}"
        )
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except binascii.Error:
        blob = b""
    length = int.from_bytes(blob[:4], "big") if len(blob) > 4 else 0
    if blob[4 : 4 + length] != parts[0].encode() or not length:
        return "Key could not be converted to RFC4716 form."
    return ""
