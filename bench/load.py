"""Signed slash commands at a steady rate, whatever the answers take: `python -m bench.load`, orders in JSON lines.

An order is `{"url", "secret", "rate", "forms"}`, the url on this machine; the answer `{"seconds", "statuses",
"took", "late"}`: seconds from sending to the acknowledgement, and the most that a command was sent too late.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
from slack_sdk.signature import SignatureVerifier

#: More than this in one order is refused: a load that nobody bounds is a mistake.
_MOST_COMMANDS, _HIGHEST_RATE = 5000, 500
_PATIENCE = 20.0


async def fire(order: dict[str, Any]) -> dict[str, Any]:
    """Send every form once, `rate` a second, without waiting for answers."""
    forms, rate = order["forms"], float(order["rate"])
    if urlsplit(order["url"]).hostname != "127.0.0.1" or len(forms) > _MOST_COMMANDS or rate > _HIGHEST_RATE:
        raise ValueError("the load stays on this machine and within bounds")
    bodies = [urlencode(form) for form in forms]
    stamp = str(int(time.time()))
    verifier = SignatureVerifier(order["secret"])
    headers = [
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": verifier.generate_signature(timestamp=stamp, body=body) or "",
        }
        for body in bodies
    ]
    took: list[float] = []
    statuses: Counter[str] = Counter()
    late = 0.0

    async def send(session: aiohttp.ClientSession, at: int) -> None:
        started = time.perf_counter()
        try:
            async with session.post(order["url"], data=bodies[at], headers=headers[at]) as answer:
                await answer.read()
                statuses[str(answer.status)] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            statuses[type(error).__name__] += 1
        took.append(time.perf_counter() - started)

    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    gc.collect()
    gc.disable()
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
            began = time.perf_counter()
            tasks = []
            for at in range(len(bodies)):
                due = began + at / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                late = max(late, time.perf_counter() - due)
                tasks.append(asyncio.create_task(send(session, at)))
            seconds = time.perf_counter() - began
            await asyncio.gather(*tasks)
    finally:
        gc.enable()
    return {"seconds": seconds, "statuses": statuses, "took": took, "late": late}


def main() -> None:
    """Carry out orders until standard input ends."""
    for line in sys.stdin:
        print(json.dumps(asyncio.run(fire(json.loads(line)))), flush=True)


if __name__ == "__main__":
    main()
