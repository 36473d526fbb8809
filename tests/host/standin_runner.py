"""A helper with steps of its own, for tests of jobs: started by the real launcher, as a process of its own."""

from __future__ import annotations

import sys
import time
from typing import Any

from bot.host.helper.base import Place, Stopped, done, todo
from bot.host.helper.fields import Fields, one_line
from bot.host.helper.programs import Tools
from bot.host.helper.runner import run_job
from bot.host.helper.step import Step


class Nap(Step):
    """Sleeps, says something, and remembers in a file that it did."""

    name = "nap"
    fields = Fields({"text": one_line(1, 100)})

    def look(self, tools: Tools, given: dict[str, Any]) -> dict[str, Any]:
        try:
            with open(tools.place.at("/did"), encoding="utf-8") as stream:
                did = stream.read()
        except FileNotFoundError:
            return todo("not yet", "do it")
        return done("did it") if given["text"] in did else todo("something else was done", "do it")

    def apply(self, tools: Tools, given: dict[str, Any]) -> None:
        secret = tools.secrets.get("database_password", "")
        tools.note(f"doing {given['text']} with {secret}")
        tools.at_work("half way", 50)
        nap = given["text"] if given["text"][0].isdigit() else "0"
        said = tools.do("sh", "-c", 'echo child "$1"; sleep $2', "sh", secret, nap)
        if given["text"] == "fail":
            raise Stopped("disk_full", f"no room for {secret}", "Make room.")
        if given["text"] == "break":
            raise ValueError(secret)
        with open(tools.place.at("/did"), "a", encoding="utf-8") as stream:
            stream.write(given["text"] + "\n" + said.out)


def place(root: str) -> Place:
    return Place(root=root, path="/usr/bin:/bin", helper=(sys.executable, __file__, root), become=False)


if __name__ == "__main__":
    if len(sys.argv) > 4:
        time.sleep(float(sys.argv[4]))
    sys.exit(run_job(place(sys.argv[1]), sys.argv[3], {"nap": Nap()}))
