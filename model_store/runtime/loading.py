"""One model in memory: verified, mapped, widened, compiled; ready to score arrays of pixels."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float

from model_store.models.heads.names import projection_name
from model_store.models.taps import feature_count
from model_store.runtime.executables import BATCH_SIZES, GRADCAM_BATCH_SIZES, ExecutableError
from model_store.runtime.programs import Features, Images, Maps, Params, Programs, Stored, load_programs
from model_store.store import CorruptModelError, Manifest, Ref
from model_store.store.layout import PARAMETERS_FILE, StoreLayout
from model_store.store.tensors import map_tensors
from model_store.store.verification import find_problems
from model_store.store.versions import read_manifest


@dataclass(frozen=True)
class LoadedModel:
    """A model that can score; `params` are float32 values on the CPU device.

    Attributes:
        trunks: the models whose features it reads, each loaded with its features; none for a model of images.
    """

    manifest: Manifest
    programs: Programs = field(repr=False)
    params: Params = field(repr=False)
    trunks: tuple["LoadedModel", ...] = ()

    @property
    def gives_features(self) -> bool:
        """Whether it can be a trunk, not only score."""
        return bool(self.programs.features)

    def __call__(self, images: Images) -> Float[np.ndarray, " batch"]:
        """Scores preprocessed images, at least one, in compiled batch sizes; of several heads gives the mean."""
        if self.trunks:
            return self.read([trunk.see(images)[1] for trunk in self.trunks]).mean(axis=1)
        return np.concatenate([self.programs.score[len(part)](self.params, part) for part in _parts(images)])

    def see(self, images: Images) -> tuple[Float[np.ndarray, " batch"], Features]:
        """Scores and features of preprocessed images, at least one; of a model that was loaded with its features."""
        seen = [self.programs.features[len(part)](self.params, part) for part in _parts(images)]
        scores, features = zip(*seen, strict=True)
        return np.concatenate(scores), np.concatenate(features)

    def explain(self, images: Images) -> tuple[Float[np.ndarray, " batch"], Maps]:
        """Scores and signed Grad-CAM maps of preprocessed images, at least one; as `model_store.heatmaps.gradcam` says.

        Raises:
            ExecutableError: the model is heads, or was compiled without Grad-CAM.
        """
        if not self.programs.gradcam:
            raise ExecutableError(f"{self.manifest.ref} is heads over other networks, which Grad-CAM does not explain")
        explained = [self.programs.gradcam(self.params, part) for part in _parts(images, GRADCAM_BATCH_SIZES)]
        scores, maps = zip(*explained, strict=True)
        return np.concatenate(scores), np.concatenate(maps)

    def read(self, features: Sequence[Features]) -> Float[np.ndarray, "batch heads"]:
        """Scores of each head for the features of each trunk."""
        batches = zip(*map(_parts, features), strict=True)
        return np.concatenate([self.programs.score[len(part[0])](self.params, *part) for part in batches])

    def reads_from(self, trunks: Sequence["LoadedModel"]) -> bool:
        """Whether these very models are its trunks, so that no second copy of them is held in memory."""
        return len(trunks) == len(self.trunks) and all(a is b for a, b in zip(trunks, self.trunks, strict=True))


def _parts[Inputs: np.ndarray](inputs: Inputs, batch_sizes: Sequence[int] = BATCH_SIZES) -> list[Inputs]:
    ends = np.cumsum(split_into_batches(len(inputs), batch_sizes))
    return np.split(inputs, ends[:-1])


def split_into_batches(count: int, batch_sizes: Sequence[int] = BATCH_SIZES) -> list[int]:
    """Splits `count` images into compiled batch sizes, largest first, so that no padding is computed."""
    sizes: list[int] = []
    for size in sorted(batch_sizes, reverse=True):
        sizes += [size] * (count // size)
        count %= size
    return sizes


def load_model(
    folder: Path,
    manifest: Manifest,
    *,
    trunks: Sequence[LoadedModel] | None = None,
    with_features: bool = False,
) -> LoadedModel:
    """Loads a published version, or a draft of one.

    Every file is hashed, while the programs are loaded and compact parameters widened, before the model is given out.
    Float32 parameters reach XLA as they lie in the map, without a copy.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        trunks: those of the manifest, if they are in memory; None reads them from the same store.
        with_features: whether it is going to be a trunk itself.

    Raises:
        CorruptModelError: a file is not as published, or the model does not fit its trunks.
        NotFoundError: a trunk is not in the store.
    """
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(find_problems, folder, manifest)
        try:
            stored = map_tensors(folder / PARAMETERS_FILE)
        except (CorruptModelError, FileNotFoundError) as error:
            raise _refusal(manifest, hashing.result() or [str(error)]) from error
        programs, params = load_programs(folder, manifest, stored, with_features=with_features)
        if problems := hashing.result():
            raise _refusal(manifest, problems)
    loaded = _load_trunks(folder, manifest) if trunks is None else tuple(trunks)
    _check_trunks(manifest, stored, loaded)
    return LoadedModel(manifest, programs, params, loaded)


def _load_trunks(folder: Path, manifest: Manifest) -> tuple[LoadedModel, ...]:
    layout = StoreLayout.around(folder)
    refs = [Ref.parse(trunk) for trunk in manifest.trunks]
    return tuple(load_model(layout.model_version(ref), read_manifest(layout, ref), with_features=True) for ref in refs)


def _check_trunks(manifest: Manifest, stored: Stored, trunks: Sequence[LoadedModel]) -> None:
    for index, trunk in enumerate(trunks):
        given = feature_count(trunk.manifest.architecture, trunk.manifest.architecture_settings)
        asked = stored[f"{projection_name(index)}/kernel"].shape[0]
        if given != asked:
            raise CorruptModelError(
                f"{manifest.ref} reads {asked:,} features of {trunk.manifest.ref}, which gives {given:,}: other "
                "releases of this software made them; train the heads again."
            )


def load_tensors(folder: Path, manifest: Manifest) -> Stored:
    """The verified tensors of a published version as they are stored, in a memory map.

    Raises:
        CorruptModelError: a file is not as published.
    """
    if problems := find_problems(folder, manifest):
        raise _refusal(manifest, problems)
    return map_tensors(folder / PARAMETERS_FILE)


def _refusal(manifest: Manifest, problems: list[str]) -> CorruptModelError:
    return CorruptModelError(
        f"{manifest.ref} is refused: {'; '.join(problems)}. Publish it again, e.g. with "
        f"`memorability models pull {manifest.name}`."
    )
