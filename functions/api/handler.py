"""Lambda's way in: requests of API Gateway (HTTP API, payload 2.0) become answers."""

import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from functions import telemetry
from functions.api.wiring import ApiSettings, wire

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger, metrics = telemetry.start()
api = wire(ApiSettings.read(os.environ))

# Not 501: heatmap workers that a deployment does without are no fault.
FAULTS = {HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE}


@metrics.log_metrics(capture_cold_start_metric=True)
@logger.inject_lambda_context
def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Answers a request."""
    answer = api.answer(event, context)
    metrics.add_metric("RequestsFaulted", MetricUnit.Count, answer["statusCode"] in FAULTS)  # to Lambda it is no error
    return answer
