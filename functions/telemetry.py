"""Logs and metrics as CloudWatch takes them: JSON lines, the metrics in the embedded metric format."""

import logging
from typing import TYPE_CHECKING, final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from model_store.runtime.ensembles import LoadedEnsemble

OUR_LOGGERS = {"functions", "model_store"}


def start() -> tuple[Logger, Metrics]:
    """Logger and metrics of this process; what our modules log by the standard library goes the same way.

    Service, namespace and level come from the environment: POWERTOOLS_SERVICE_NAME, POWERTOOLS_METRICS_NAMESPACE and
    POWERTOOLS_LOG_LEVEL.
    """
    logger = Logger()
    for name in OUR_LOGGERS:
        logging.getLogger(name)  # only loggers that exist already are given a handler
    copy_config_to_registered_loggers(logger, include=set(OUR_LOGGERS))
    return logger, Metrics()


@final
class ServingMetrics:
    """Metrics of the ensembles that a process keeps loaded."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def on_load(self, ensemble: "LoadedEnsemble", seconds: float) -> None:
        """An ensemble was loaded; a model without executables for this machine is compiled at its first use."""
        just_in_time = sum(not model.programs.ahead_of_time for model in ensemble.models.values())
        self._metrics.add_metric("EnsembleLoadTime", MetricUnit.Seconds, seconds)
        self._metrics.add_metric("JitFallback", MetricUnit.Count, just_in_time)

    def on_refusal(self, _serving: str, _error: Exception) -> None:
        """An ensemble cannot be served, and another one goes on in its place."""
        self._metrics.add_metric("EnsembleRefused", MetricUnit.Count, 1)
