"""The store of published models, ensembles and aliases on a POSIX volume: no JAX, no cloud, only files."""

from model_store.store.errors import (
    AlreadyPublishedError,
    CorruptModelError,
    InUseError,
    NotFoundError,
    StoreError,
    VolumeError,
)
from model_store.store.manifest import Ensemble, EnsembleMeasure, Manifest, Measure, ModelDescription
from model_store.store.references import Ref
from model_store.store.store import ModelStore
from model_store.store.versions import Listing

__all__ = [
    "AlreadyPublishedError",
    "CorruptModelError",
    "Ensemble",
    "EnsembleMeasure",
    "InUseError",
    "Listing",
    "Manifest",
    "Measure",
    "ModelDescription",
    "ModelStore",
    "NotFoundError",
    "Ref",
    "StoreError",
    "VolumeError",
]
