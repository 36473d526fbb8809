"""Does this host reach a mirror of images? Its name, its port, the answer to one HEAD; nothing is fetched."""

from __future__ import annotations

import socket
from typing import Any
from urllib.parse import urlsplit

from bot.host.helper.fields import Fields, form

_MIRROR_PATIENCE = 10.0
#: A plain URL: no user, no query, nothing to be quoted.
MIRROR_FIELDS = Fields(
    {"url": form(r"https?://[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?(/[A-Za-z0-9._~+-]+)*/?", "a mirror's URL")}
)


def mirror(given: dict[str, Any]) -> dict[str, Any]:
    """How far the host comes: `name`, `port`, `status`; `said` is the last word; a `page` is HTML. No proxy is used."""
    # Loaded here, as they take longer than all the rest of this program.
    import http.client
    import ssl

    parts = urlsplit(given["url"])
    found: dict[str, Any] = {
        "url": given["url"],
        "name": False,
        "port": False,
        "status": None,
        "said": "",
        "page": False,
    }
    try:
        number = parts.port or (443 if parts.scheme == "https" else 80)
        socket.getaddrinfo(parts.hostname, number, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as error:
        return {**found, "said": getattr(error, "strerror", None) or str(error)}
    found["name"] = True
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(str(parts.hostname), number, timeout=_MIRROR_PATIENCE)
    try:
        connection.connect()
        found["port"] = True
        connection.request("HEAD", parts.path.rstrip("/") + "/streams/v1/index.sjson")
        answer = connection.getresponse()
        page = answer.getheader("Content-Type", "").lower().startswith("text/html")
        return {**found, "status": answer.status, "said": answer.reason[:100], "page": page and answer.status < 400}
    except ssl.SSLError as error:
        return {**found, "port": True, "said": error.reason or "its certificate is not accepted"}
    except (OSError, http.client.HTTPException) as error:
        return {**found, "said": getattr(error, "strerror", None) or type(error).__name__}
    finally:
        connection.close()
