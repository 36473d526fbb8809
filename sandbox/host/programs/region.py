"""MAAS's daemon: answers on port 5240 once it is initialised, or passes on to the region stand-in that a test names."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import threading
import time

from sandbox.host.programs import maas
from sandbox.host.programs.standin import SNAP_DATA, fault, read_state

UPSTREAM = "/etc/standin/upstream"


class Version(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if fault("api-broken"):
            self.send_error(502)
            return
        if self.path != "/MAAS/api/2.0/version/":
            self.send_error(404)
            return
        version = read_state()["snaps"]["maas"]["version"]
        body = json.dumps({"capabilities": [], "version": version.split("-")[0], "subversion": version}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its parent's name
        log("regiond", format % args)


def log(name: str, text: str) -> None:
    with open(f"{SNAP_DATA}/common/log/{name}.log", "a", encoding="utf-8") as stream:
        stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {name}: [info] {text}\n")


def pass_on(address: str) -> None:
    """Every connection goes to the region stand-in."""
    host, _, port = address.partition(":")
    door = socket.create_server(("0.0.0.0", 5240))
    while True:
        here, _ = door.accept()
        try:
            there = socket.create_connection((host, int(port)), 5)
        except OSError:
            here.close()
            continue
        for source, target in ((here, there), (there, here)):
            threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        with source.makefile("rb", buffering=0) as stream, target.makefile("wb", buffering=0) as out:
            shutil.copyfileobj(stream, out)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def main() -> None:
    while not ready():
        time.sleep(0.2)
    time.sleep(float(fault("api-late", 0.2)))
    log("regiond", "Regiond has started.")
    log("rackd", "Rackd has started.")
    if os.path.exists(UPSTREAM):
        with open(UPSTREAM, encoding="ascii") as stream:
            pass_on(stream.read().strip())
    http.server.ThreadingHTTPServer(("0.0.0.0", 5240), Version).serve_forever()


def ready() -> bool:
    """Initialised, and its database whole."""
    fields = maas.config()
    return "region" in fields["mode"] and maas.migrated(fields) == len(maas.MIGRATIONS)


if __name__ == "__main__":
    main()
