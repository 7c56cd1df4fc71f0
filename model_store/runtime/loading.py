"""One model in memory: verified, mapped, widened, compiled; ready to score arrays of pixels."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from model_store.runtime.executables import BATCH_SIZES
from model_store.runtime.programs import Params, Programs, load_programs
from model_store.store import CorruptModelError, Manifest
from model_store.store.layout import PARAMETERS_FILE
from model_store.store.tensors import map_tensors
from model_store.store.verification import find_problems


@dataclass(frozen=True)
class LoadedModel:
    """A model that can score; `params` are float32 values on the CPU device."""

    manifest: Manifest
    programs: Programs = field(repr=False)
    params: Params = field(repr=False)

    def __call__(self, images: UInt8[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, " batch"]:
        """Scores preprocessed images, at least one, in compiled batch sizes."""
        scores, start = [], 0
        for size in split_into_batches(len(images)):
            scores.append(self.programs.score[size](self.params, images[start : start + size]))
            start += size
        return np.concatenate(scores)


def split_into_batches(count: int) -> list[int]:
    """Splits `count` images into compiled batch sizes, largest first, so that no padding is computed."""
    sizes: list[int] = []
    for size in sorted(BATCH_SIZES, reverse=True):
        sizes += [size] * (count // size)
        count %= size
    return sizes


def load_model(folder: Path, manifest: Manifest) -> LoadedModel:
    """Loads a published version, or a draft of one.

    Every file is hashed, while the programs are loaded and compact parameters widened, before the model is given out.
    Float32 parameters reach XLA as they lie in the map, without a copy.

    Raises:
        CorruptModelError: a file is not as published.
    """
    with ThreadPoolExecutor(1) as pool:
        hashing = pool.submit(find_problems, folder, manifest)
        try:
            stored = map_tensors(folder / PARAMETERS_FILE)
        except (CorruptModelError, FileNotFoundError) as error:
            raise _refusal(manifest, hashing.result() or [str(error)]) from error
        programs, params = load_programs(folder, manifest, stored)
        if problems := hashing.result():
            raise _refusal(manifest, problems)
    return LoadedModel(manifest, programs, params)


def _refusal(manifest: Manifest, problems: list[str]) -> CorruptModelError:
    return CorruptModelError(
        f"{manifest.ref} is refused: {'; '.join(problems)}. Publish it again, e.g. with "
        f"`memorability models pull {manifest.name}`."
    )
