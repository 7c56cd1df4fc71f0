"""Lambda's way in: what is uploaded is published.

Before the first bundle is installed there is nothing but the standard library and boto3. Only models need more.
"""

import importlib
import logging
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from functions.aws.clients import s3_client
from functions.events import object_events
from functions.publish.artefacts import UploadedBundle, UploadedModel, find_artefacts
from functions.publish.bundles import install_bundle, prune_bundles
from functions.publish.settings import BundleSettings
from model_store.aws.objects import Objects

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = logging.getLogger(__name__)
logging.getLogger("functions").setLevel(logging.INFO)
settings = BundleSettings.read(os.environ)
artefacts = Objects(s3_client(), settings.artefacts_bucket)


class NoBundleError(RuntimeError):
    """A model is to be published before the dependencies are installed; Lambda tries again."""


def handle(event: dict[str, Any], _context: "LambdaContext") -> None:
    """Publishes what an event is about; a fault of ours is raised, so that Lambda tries again."""
    for artefact in find_artefacts(object_events(event), settings.artefacts_bucket):
        match artefact:
            case UploadedBundle():
                _install(artefact)
            case UploadedModel():
                _publish(artefact)


def _install(bundle: UploadedBundle) -> None:
    chunks = artefacts.chunks(bundle.event.key, bundle.event.version_id)
    installed = install_bundle(settings.runtime, bundle.digest, bundle.kind, chunks)
    logger.info("bundle %s %s", bundle.digest, "is installed" if installed else "was there already")
    in_use = settings.in_use | {bundle.digest}
    for digest in prune_bundles(settings.runtime, settings.keep, in_use, datetime.now(UTC)):
        logger.info("bundle %s is removed: nothing needs it any more", digest)


def _publish(model: UploadedModel) -> None:
    importlib.invalidate_caches()  # a bundle that was installed since this process started is found
    try:
        from functions.publish.models import publish_model
    except ModuleNotFoundError as error:
        raise NoBundleError(
            f"{error.name} is not installed: install the bundle that PYTHONPATH names, with "
            f"`python -m scripts.install_bundle --artefacts-bucket {settings.artefacts_bucket} …`"
        ) from error
    publish_model(model)
