"""Publishes uploaded models; imported only when there is one, because it needs the bundle of dependencies."""

import os

from aws_lambda_powertools.metrics import MetricUnit

from functions import telemetry
from functions.publish.artefacts import UploadedModel
from functions.publish.wiring import PublishSettings, wire
from model_store.publications import PublicationStatus

_logger, _metrics = telemetry.start()
_publisher = wire(PublishSettings.read(os.environ))


def publish_model(upload: UploadedModel) -> None:
    """Publishes a model; an upload that is at fault is refused, and everything else that goes wrong is raised."""
    publication = _publisher.publish(upload)
    status = publication and publication.status
    for name in (PublicationStatus.PUBLISHED, PublicationStatus.REFUSED):
        _metrics.add_metric(f"Models{name.title()}", MetricUnit.Count, int(status is name))
    _metrics.flush_metrics()
