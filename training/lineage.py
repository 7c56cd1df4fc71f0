"""Whether a network has learned from the very photos that are to be measured on."""

from collections.abc import Iterable

from model_store.store import Manifest
from training.data import Dataset
from training.describing import dataset_digest
from training.errors import TrainingError
from training.training import OPEN_SPLITS


def require_unseen_by(trunks: Iterable[Manifest], dataset: Dataset) -> None:
    """Refuses networks that were fine-tuned on a data set: what is trained on them would be measured on known photos.

    Raises:
        TrainingError: one was.
    """
    digest = dataset_digest(dataset.only(OPEN_SPLITS))
    for trunk in trunks:
        if trunk.fine_tuned_from and trunk.provenance.source_sha256 == digest:
            raise TrainingError(
                f"{trunk.ref} was fine-tuned on these very photos, so that none is left to measure on: begin with "
                f"{trunk.fine_tuned_from}, or train on other photos"
            )
