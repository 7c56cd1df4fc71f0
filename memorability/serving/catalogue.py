"""What scores, and under which terms, as `/models` tells it."""

from typing import Any

from model_store.runtime.ensembles import EnsembleSpec
from model_store.store import EnsembleMeasure, Manifest

_MODEL_FIELDS = {"name", "version", "measure", "architecture", "licence", "citation", "training_data", "performance"}


def describe(spec: EnsembleSpec) -> dict[str, Any]:
    """The ensemble with its measures, and its members with licence, citation and measured performance."""
    measures = {str(measure): _measure(definition) for measure, definition in spec.measures.items()}
    return {
        "ensemble": {"ref": spec.ref, "measures": measures},
        "models": [_model(manifest) for manifest in spec.manifests.values()],
    }


def _measure(definition: EnsembleMeasure) -> dict[str, Any]:
    reference = definition.reference
    return {
        "members": list(definition.members),
        "reference": reference and {"description": reference.description, "n": reference.n},
    }


def _model(manifest: Manifest) -> dict[str, Any]:
    return {"ref": manifest.ref} | manifest.model_dump(mode="json", include=_MODEL_FIELDS)
