"""What the service reports of itself: one JSON object per line in the log, and metrics for Prometheus."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from functools import cache
from typing import TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

log = logging.getLogger("velatune.service")

#: Made once: `json.dumps` makes a new one for each line.
_encode = json.JSONEncoder(default=str).encode
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """Of one service."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "velatune_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "velatune_request_seconds", "Time to the last byte", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._lookups = Counter("velatune_lookups", "Lookups by what came of them", ["answer"], registry=self._registry)
        self.jobs = Gauge("velatune_jobs", "Jobs by state", ["state"], registry=self._registry)
        # Of each combination of labels one, kept: prometheus_client goes through the environment to find it again.
        self.request = cache(self._requests.labels)
        self.route_seconds = cache(self._seconds.labels)
        self.lookup = cache(self._lookups.labels)
        self.uploads = Counter(
            "velatune_uploads", "Model files sent, by what became of them", ["outcome"], registry=self._registry
        )

    def text(self) -> bytes:
        return generate_latest(self._registry)


class JsonLines(logging.Formatter):
    """A record as one JSON object: time, level, event, then the record's `fields`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return _encode(line)


def log_json(stream: TextIO = sys.stderr) -> None:
    """Let everything that this process logs come out as JSON lines."""
    # Not in a line; asked of the system for each one otherwise.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def tell(event: str, level: int = logging.INFO, **fields: object) -> None:
    """Log an event with its fields.

    Args:
        event: name of the event.
        level: of Python's logging.
        fields: by name; each becomes a field of the JSON line.
    """
    log.log(level, event, extra={"fields": fields})
