"""Logs and metrics as CloudWatch takes them: JSON lines, the metrics in the embedded metric format."""

import logging
import sys
from threading import Lock
from typing import final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit

OUR_LOGGERS = {"gpu_worker", "model_store"}


def start_logging() -> Logger:
    """Logger of this process; what our modules log by the standard library goes the same way.

    Service and level come from the environment: POWERTOOLS_SERVICE_NAME and POWERTOOLS_LOG_LEVEL.
    """
    logger = Logger()
    for name in OUR_LOGGERS:
        logging.getLogger(name)  # only loggers that exist already are given a handler
    copy_config_to_registered_loggers(logger, include=set(OUR_LOGGERS))
    return logger


@final
class EmbeddedMetrics:
    """The `Counters` of CloudWatch; the namespace is the environment's POWERTOOLS_METRICS_NAMESPACE."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._lock = Lock()

    def count(self, name: str, number: int = 1) -> None:
        """Adds to a number of things."""
        with self._lock:
            self._metrics.add_metric(name, MetricUnit.Count, number)

    def seconds(self, name: str, seconds: float) -> None:
        """Notes how long something took."""
        with self._lock:
            self._metrics.add_metric(name, MetricUnit.Seconds, seconds)

    def flush(self) -> None:
        """Writes what was noted since the last time, if anything was."""
        with self._lock:
            if self._metrics.metric_set:
                self._metrics.flush_metrics()
                sys.stdout.flush()  # which is a pipe or a file, and would keep them until it has some kilobytes
