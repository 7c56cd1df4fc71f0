"""Writes down what timm's `vit_base_patch16_224_miil` computes, for `tests/unit/models/test_vitmem.py`.

For developers only, where torch and timm can be had; from the repository's root (about 20 s):

    uv run --no-project --with numpy==2.4.6 --with torch==2.13.0 --with timm==1.0.31 \
        python -m tests.reference.record_vitmem

The recorded files were written with Python 3.11.7, numpy 2.4.6, torch 2.13.0 (CPU) and timm 1.0.31.
"""

from pathlib import Path

import numpy as np
import timm
import torch
from timm.models.vision_transformer import VisionTransformer

from tests.reference.seeded_vit import PUBLISHED, REDUCED, TINY, VitShape, seeded_images, seeded_state

FOLDER = Path(__file__).parents[1] / "unit" / "models" / "reference"


def network(shape: VitShape) -> VisionTransformer:
    """Returns timm's network of these settings, the published ones by the name the package asks timm for."""
    if shape == PUBLISHED:
        return timm.create_model("vit_base_patch16_224_miil", num_classes=1)
    return VisionTransformer(
        img_size=shape.image_size,
        patch_size=shape.patch,
        embed_dim=shape.width,
        depth=shape.depth,
        num_heads=shape.heads,
        mlp_ratio=shape.mlp_width / shape.width,
        qkv_bias=False,
        num_classes=1,
    )


def run(shape: VitShape, seed: int, count: int) -> tuple[VisionTransformer, dict[str, np.ndarray]]:
    """Returns the network and its output after the embedding, each block, the last norm and the sigmoid."""
    net = network(shape).eval()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in seeded_state(shape, seed).items()})
    outputs: dict[str, np.ndarray] = {}

    def keep(name: str, module: torch.nn.Module) -> None:
        module.register_forward_hook(lambda _module, _inputs, output: outputs.update({name: output.numpy()}))

    keep("embedding", net.patch_drop)
    for index, block in enumerate(net.blocks):
        keep(f"block_{index}", block)
    keep("norm", net.norm)
    images = torch.from_numpy(seeded_images(shape, count, seed)).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        outputs["scores"] = torch.sigmoid(net(images))[:, 0].numpy()
    return net, outputs


def summary(outputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns each layer's class tokens, and the mean and mean magnitude of all its tokens, by image."""
    layers = [value for name, value in outputs.items() if name != "scores"]
    return {
        "layers": np.array([name for name in outputs if name != "scores"]),
        "class_tokens": np.stack([value[:, 0] for value in layers]),
        "means": np.stack([value.mean(axis=(1, 2), dtype=np.float64) for value in layers]),
        "mean_magnitudes": np.stack([np.abs(value).mean(axis=(1, 2), dtype=np.float64) for value in layers]),
        "scores": outputs["scores"],
    }


def main() -> None:
    """Writes the three files."""
    _, reduced = run(REDUCED, seed=1, count=4)
    np.savez_compressed(FOLDER / "vitmem_reduced.npz", allow_pickle=False, **reduced)
    _, published = run(PUBLISHED, seed=2, count=2)
    np.savez_compressed(FOLDER / "vitmem_published.npz", allow_pickle=False, **summary(published))
    tiny, outputs = run(TINY, seed=3, count=2)
    # The published package's module holds timm's network as `vit`, and so do the names in its checkpoint.
    torch.save(torch.nn.ModuleDict({"vit": tiny}).state_dict(), FOLDER / "vitmem_tiny.pth")
    np.savez_compressed(FOLDER / "vitmem_tiny.npz", scores=outputs["scores"])
    print(f"torch {torch.__version__}, timm {timm.__version__}, numpy {np.__version__}")
    for name, values in (("reduced", reduced), ("published", published), ("tiny", outputs)):
        print(name, values["scores"])


if __name__ == "__main__":
    main()
