"""Logs as one JSON object a line, for whatever collects them."""

import json
import logging
from datetime import UTC, datetime
from typing import final


@final
class JsonFormatter(logging.Formatter):
    """Time, level, logger and message; `facts`, a mapping in the record's `extra`, become fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= getattr(record, "facts", {})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def log_as_json(level: str) -> None:
    """Sends every log of this process to standard error; `level` is the least that is told of this project's own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("memorability", "model_store"):
        logging.getLogger(name).setLevel(level.upper())
