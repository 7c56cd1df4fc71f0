"""A run becomes a published version, compiled and tried like every other."""

import shutil

from model_store.runtime.compiling import compile_and_try
from model_store.store import Ensemble, EnsembleMeasure, Manifest, ModelStore
from model_store.store.layout import PARAMETERS_FILE
from training.runs import SEEN_FILE, Run


def publish_run(store: ModelStore, run: Run, version: str) -> Manifest:
    """Publishes a run's model as `name@version`, under the run's name.

    Raises:
        NotFoundError: a trunk is not in the store.
        GoldenCaseError: the model does not give the scores that it gave when it was trained.
        AlreadyPublishedError: the version exists with other content.
    """
    for trunk in run.description.trunks:
        store.manifest(trunk)
    with store.draft(run.record.name, version) as draft:
        shutil.copyfile(run.parameters, draft.path / PARAMETERS_FILE)
        if run.seen.exists():
            shutil.copyfile(run.seen, draft.path / SEEN_FILE)
        return draft.commit(run.description, check=compile_and_try)


def version_of(run: Run) -> str:
    """The version that a run is published as where nobody names one: when it was finished, so that later is newer."""
    return f"{run.record.finished_at:%Y.%m.%d.%H%M%S}"


def serve_alone(store: ModelStore, manifest: Manifest) -> Ensemble:
    """Publishes an ensemble of the model's name with the model as its only member."""
    measure = EnsembleMeasure(members=(manifest.ref,), reference=manifest.reference)
    return store.publish_ensemble(manifest.name, {manifest.measure: measure})
