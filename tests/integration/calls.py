"""Calls of functions as Lambda makes them: events from disk, photos, and what was written about it."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

EVENTS = Path(__file__).parent / "events"
REGION, UPLOADS, ARTEFACTS, RESULTS = "eu-central-1", "uploads", "artefacts", "results"

type Event = dict[str, Any]


@dataclass(frozen=True)
class Context:
    """What Lambda tells of a call."""

    function_name: str = "score"
    memory_limit_in_mb: int = 3008
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:123456789012:function:score"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"


def load_event(name: str, **changes: object) -> Event:
    """An event from disk; `changes` replace fields of its objects."""
    event: Event = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    for record in event.get("Records", []):
        if "s3" in record:
            record["s3"]["object"] |= changes
    return event


def photo(seed: int = 0) -> bytes:
    """A small JPEG."""
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (36, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def metrics_in(output: str) -> dict[str, float]:
    """The sum of every metric that was written in the embedded metric format."""
    totals: dict[str, float] = {}
    for entry in map(json.loads, output.splitlines()):
        for directive in entry.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                totals[metric["Name"]] = totals.get(metric["Name"], 0) + sum(entry[metric["Name"]])
    return totals
