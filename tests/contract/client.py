"""Sends a recorded request to the stand-in, signed as the recording was."""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass

import aiohttp
from yarl import URL

from sandbox.maas import RegionStandIn
from tests.contract.exchanges import Exchange


@dataclass(frozen=True)
class Given:
    status: int
    content_type: str
    text: str


def sign(key: str, *, nonce: str = "", at: float | None = None, version: bool = True) -> str:
    """An OAuth PLAINTEXT header for an API key."""
    consumer, token, secret = key.split(":")
    fields = {
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": consumer,
        "oauth_token": token,
        "oauth_signature": f"%26{secret}",
        "oauth_nonce": nonce or uuid.uuid4().hex,
        "oauth_timestamp": str(int(time.time() if at is None else at)),
    }
    if not version:
        del fields["oauth_version"]
    return "OAuth " + ", ".join(f'{k}="{v}"' for k, v in fields.items())


def authorization(region: RegionStandIn, name: str) -> str | None:
    """The header that the recording of this name was sent with."""
    key = region.operator_api_key if name.startswith("nonadmin") else region.api_key
    consumer, token, secret = key.split(":")
    if "auth_none" in name or name in ("version_get_anon", "api_1_0", "url_unknown_404_outside"):
        return None
    if name == "auth_bearer_401":
        return "Bearer abc"
    if name in ("auth_bad_key_401", "auth_badkey_401"):
        return sign(f"{'x' * 18}:{token}:{secret}")
    if name == "auth_bad_token_401":
        return sign(f"{consumer}:{'x' * 18}:{secret}")
    if name in ("auth_bad_secret_401", "auth_badsecret_401"):
        return sign(f"{consumer}:{token}:wrong")
    if name == "auth_old_timestamp" and region.version.startswith("2."):
        return sign(key, at=time.time() - 3600)
    if name in ("auth_nonce_reuse_401", "auth_nonce_replayed"):
        return sign(key, nonce="d6" * 16)
    return sign(key, version=name != "auth_no_version")


async def send(region: RegionStandIn, exchange: Exchange) -> Given:
    headers = {"Accept": exchange.accept} if exchange.accept else {}
    signed = authorization(region, exchange.name)
    if signed is not None:
        headers["Authorization"] = signed
    if exchange.type:
        headers["Content-Type"] = exchange.type
    root = region.url.removesuffix("/MAAS")
    url = URL(root + _with_our_ids(region, exchange.url), encoded=True)
    skip = () if exchange.accept else ("Accept",)
    async with aiohttp.ClientSession(skip_auto_headers=[*skip, "Content-Type"]) as session:
        if "nonce_re" in exchange.name:
            await _once(session, exchange.method, url, headers)
        return await _once(session, exchange.method, url, headers, exchange.body.encode("utf-8"))


def _with_our_ids(region: RegionStandIn, url: str) -> str:
    """Interfaces have other ids in the stand-in than in the recording."""
    found = re.search(r"/nodes/(\w+)/interfaces/\d+/", url)
    if found is None:
        return url
    number = region.world.machines[found.group(1)].number * 10
    return url.replace(found.group(0), f"/nodes/{found.group(1)}/interfaces/{number}/")


async def _once(
    session: aiohttp.ClientSession, method: str, url: URL, headers: dict[str, str], body: bytes = b""
) -> Given:
    async with session.request(method, url, data=body or None, headers=headers, allow_redirects=False) as answer:
        raw = await answer.read()
        return Given(answer.status, answer.headers.get("Content-Type", ""), raw.decode("utf-8", "replace"))
