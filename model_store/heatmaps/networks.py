"""A model as attribution needs it: a module and its float32 parameters on JAX's own device, CPU or GPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import jax
import numpy as np

from model_store.heatmaps.frames import Frame
from model_store.heatmaps.modules import Features, Module, Params
from model_store.heatmaps.references import reference_features
from model_store.images import Preprocessing
from model_store.models import registry
from model_store.models.checkpoints import unflatten
from model_store.models.pooling import score_and_features
from model_store.models.precision import widen
from model_store.models.taps import Tap, taps
from model_store.runtime.graph import served_network, serving_graph
from model_store.runtime.loading import LoadedModel, load_tensors
from model_store.runtime.xla import to_host
from model_store.store import Manifest, Ref
from model_store.store.layout import StoreLayout
from model_store.store.versions import read_manifest


@dataclass(frozen=True)
class HeadsOverTrunks:
    """Heads and the networks whose features they read, as one module; its score is the heads' mean.

    It marks no features of its own: heads read trunks at many depths, most of them before those that Grad-CAM knows.
    """

    heads: Module
    trunks: tuple[Module, ...]
    taps: tuple[tuple[Tap, ...], ...]

    def apply(self, variables: Mapping[str, Any], images: Any, mutable: Any = False) -> Any:
        """As of `Module`; says nothing in any collection."""
        params = variables["params"]
        parts = zip(self.trunks, params["trunks"], self.taps, strict=True)
        features = [score_and_features(trunk, values, tapped, images)[1] for trunk, values, tapped in parts]
        scores = self.heads.apply({"params": params["heads"]}, *features).mean(axis=1)
        return (scores, {}) if mutable else scores


@dataclass(frozen=True, eq=False)
class Network:
    """One model; equal only to itself.

    Attributes:
        manifest: what is published of it.
        module: its architecture.
        params: on the device.
    """

    manifest: Manifest
    module: Module
    params: Params = field(repr=False)

    @classmethod
    def load(cls, folder: Path, manifest: Manifest) -> Self:
        """Reads a published version onto the device, without its executables for the CPU.

        Raises:
            CorruptModelError: a file is not as published.
            NotFoundError: a network whose features it reads is not in the store.
        """
        network = cls._served(folder, manifest) if jax.default_backend() == "cpu" else cls.as_learnt(folder, manifest)
        layout = StoreLayout.around(folder)
        refs = [Ref.parse(trunk) for trunk in manifest.trunks]
        return network.over([cls.load(layout.model_version(ref), read_manifest(layout, ref)) for ref in refs])

    @classmethod
    def as_learnt(cls, folder: Path, manifest: Manifest) -> Self:
        """A published version with its parameters as they were learnt, not in the form that CPUs serve best.

        Raises:
            CorruptModelError: a file is not as published.
        """
        tensors = jax.device_put(dict(load_tensors(folder, manifest)))
        return cls.of_tensors(manifest, jax.jit(widen)(tensors))

    @classmethod
    def _served(cls, folder: Path, manifest: Manifest) -> Self:
        parameters = serving_graph(manifest).parameters(load_tensors(folder, manifest))
        return cls(manifest, served_network(manifest), unflatten(parameters))

    @classmethod
    def of_loaded(cls, model: LoadedModel) -> Self:
        """A model that is loaded for scoring; on the CPU the two share their parameters' memory."""
        params = jax.device_put({path: to_host(value) for path, value in model.params.items()})
        network = cls(model.manifest, served_network(model.manifest), unflatten(params))
        return network.over([cls.of_loaded(trunk) for trunk in model.trunks])

    @classmethod
    def of_tensors(cls, manifest: Manifest, params: Mapping[str, Any]) -> Self:
        """Float32 parameters by path."""
        module = registry.build(manifest.architecture, manifest.architecture_settings)
        return cls(manifest, module, unflatten(params))

    def over(self, trunks: Sequence[Self]) -> Self:
        """Heads together with the networks whose features they read; itself where there are none."""
        if not trunks:
            return self
        tapped = (taps(trunk.manifest.architecture, trunk.manifest.architecture_settings) for trunk in trunks)
        module = HeadsOverTrunks(self.module, tuple(trunk.module for trunk in trunks), tuple(tapped))
        params = {"heads": self.params, "trunks": [trunk.params for trunk in trunks]}
        return type(self)(self.manifest, module, params)

    @property
    def preprocessing(self) -> Preprocessing:
        """How it wants a photo cut."""
        return Preprocessing(self.manifest.preprocessing.resize, self.manifest.preprocessing.crop)

    @property
    def frame(self) -> Frame:
        """Where in a photo its maps lie."""
        return Frame.of(self.preprocessing)

    @cached_property
    def references(self) -> Features:
        """What Grad-CAM compares features with; computed at the first use.

        Raises:
            NoFeaturesError: the network marks no features.
        """
        return reference_features(self.module, self.params, self.manifest.preprocessing.crop)

    @property
    def nbytes(self) -> int:
        """Bytes that its parameters take on the device."""
        return sum(np.dtype(leaf.dtype).itemsize * leaf.size for leaf in jax.tree.leaves(self.params))
