"""Reference distributions from a user's own photos: what percentiles are relative to."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from memorability.console import err, photo_progress
from memorability.paths import find_photos
from model_store.errors import MemorabilityError
from model_store.images import ImageLimits
from model_store.records import ScoredRecord
from model_store.runtime.ensembles import EnsembleSpec
from model_store.runtime.scoring import Scorer
from model_store.store import EnsembleMeasure, Measure, ModelStore
from model_store.store.manifest import QUANTILES, ReferenceDistribution

MINIMUM_PHOTOS = 50


def measure_reference(
    store: ModelStore, measures: Mapping[Measure, EnsembleMeasure], folder: Path
) -> dict[Measure, EnsembleMeasure]:
    """Scores a folder of photos with the members and puts the distribution of the scores into each measure.

    Raises:
        MemorabilityError: fewer than 50 photos could be scored: too few to tell a percentile.
    """
    spec = EnsembleSpec.of_measures(store, "reference@0", measures)
    photos = find_photos([folder], ImageLimits())
    scored = []
    with photo_progress(len(photos)) as progress:
        for record in Scorer(spec).score(photos):
            progress.advance(progress.task_ids[0])
            if isinstance(record, ScoredRecord):
                scored.append(record)
            else:
                err.print(record.error.message, markup=False)
    if len(scored) < MINIMUM_PHOTOS:
        raise MemorabilityError(
            f"{folder} gave {len(scored)} scores; a reference distribution needs at least {MINIMUM_PHOTOS} photos"
        )
    return {
        measure: _with_reference(measure, definition, scored, folder.name) for measure, definition in measures.items()
    }


def _with_reference(
    measure: Measure, definition: EnsembleMeasure, scored: list[ScoredRecord], name: str
) -> EnsembleMeasure:
    scores = [record.measures[measure].score for record in scored]
    quantiles = np.quantile(scores, np.linspace(0, 1, QUANTILES))
    reference = ReferenceDistribution(
        quantiles=tuple(np.maximum.accumulate(quantiles).tolist()),
        n=len(scores),
        description=f"{len(scores)} photos of {name}",
    )
    return EnsembleMeasure(members=definition.members, reference=reference)
