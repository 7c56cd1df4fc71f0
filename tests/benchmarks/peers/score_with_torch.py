"""One photo's score by the published package, as its own documentation has it: `score_with_torch.py PHOTO`."""

import sys

import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
import torch
from PIL import Image
from resmem import ResMem, transformer

network = ResMem(pretrained=True).eval()
with torch.no_grad():
    print(network(transformer(Image.open(sys.argv[1]).convert("RGB")).unsqueeze(0)).item(), flush=True)
