"""Logs and metrics. One processor redacts secrets from every line, ours and the libraries'."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

_REDACTED = "[redacted]"
_SECRET_SHAPES = re.compile(
    r"xox[a-z](?:\.[a-z]+)?-[\w-]+|xapp-[\w-]+"  # Slack tokens
    r"|oauth_signature=\"?[^\",\s]+"  # the API key's secret, in MAAS's Authorization header
    r"|Expected signature base string:[^'\"]*"  # MAAS answers a wrong secret with the right one
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user:password in a URL
    r"|(?<![A-Za-z0-9])[A-Za-z0-9]{16,20}:[A-Za-z0-9]{16,20}:[A-Za-z0-9]{30,34}(?![A-Za-z0-9])"  # a MAAS API key
)


class Redactor:
    """Replaces known secrets, and what looks like one, in everything that is logged."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Parts of an API key are secrets too: MAAS quotes its last part alone.
        parts = {part for secret in secrets for part in (secret, *secret.split(":")) if len(part) >= 8}
        alternatives = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True))
        self._known = re.compile(alternatives) if alternatives else None

    def clean(self, text: str) -> str:
        """`text` without secrets."""
        text = _SECRET_SHAPES.sub(_REDACTED, text)
        return self._known.sub(_REDACTED, text) if self._known is not None else text

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """Clean every value of a log line, however deep."""
        return {key: self._walk(value) for key, value in event.items()}

    def _walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.clean(value)
        if isinstance(value, dict):
            return {key: self._walk(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._walk(one) for one in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.clean(str(value))


def set_up_logging(level: str, log_format: str, secrets: Iterable[str] = ()) -> None:
    """Send all logs, the libraries' included, to standard error as JSON lines or for a console."""
    redactor = Redactor(secrets)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    renderer: Any = structlog.processors.JSONRenderer(sort_keys=True)
    if log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[*shared[:3], _name_logger, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redactor,
            renderer,
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # DBOS gives its logger a handler of its own where it finds none: lines that are not JSON, with secrets as they are.
    engine = logging.getLogger("dbos")
    engine.handlers, engine.propagate = [handler], False
    # It warns that it ignores a token of the environment.
    logging.getLogger("slack_bolt.AsyncApp").setLevel(logging.ERROR)
    # These say at info what we say ourselves, a line or ten for each call.
    for name in ("slack_bolt", "slack_sdk", "aiohttp.access", "asyncio", "asyncssh", "dbos", "alembic"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _name_logger(logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    event.setdefault("logger", getattr(logger, "name", ""))
    return event


class Metrics:
    """The bot's own figures, in a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        ProcessCollector(registry=registry)
        self.commands = Counter("maasbot_commands", "Commands handled", ["command", "outcome"], registry=registry)
        self.command_seconds = Histogram(
            "maasbot_command_seconds", "From words to answer", ["command"], registry=registry
        )
        self.slack_calls = Counter("maasbot_slack_calls", "Calls to Slack", ["method", "outcome"], registry=registry)
        self.maas_calls = Counter(
            "maasbot_maas_calls", "Calls to MAAS", ["region", "endpoint", "status"], registry=registry
        )
        self.maas_seconds = Histogram(
            "maasbot_maas_seconds", "Duration of calls to MAAS", ["region", "endpoint"], registry=registry
        )
        self.operations = Gauge("maasbot_operations_under_way", "Operations under way", registry=registry)
        self.region_up = Gauge("maasbot_region_up", "1 while the region answers", ["region"], registry=registry)
        self.audit_records = Gauge("maasbot_audit_records", "Records in the audit", registry=registry)
        self.audit_broken = Gauge(
            "maasbot_audit_broken", "1 when a record of the audit was changed or is missing", registry=registry
        )
        self.audit_mirror_behind = Gauge(
            "maasbot_audit_mirror_behind", "Records that the audit's file can't take now", registry=registry
        )
        self.loop_late = Histogram(
            "maasbot_loop_late_seconds",
            "How late the event loop's timers are",
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
            registry=registry,
        )
        self.slack_connected = Gauge("maasbot_slack_connected", "1 while Slack is connected", registry=registry)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)
