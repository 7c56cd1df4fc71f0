"""Writes the published package's network, for any number of images, to an ONNX file: `export_onnx.py FILE`."""

import sys

import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
import torch
from resmem import ResMem

network = ResMem(pretrained=True).eval()
torch.onnx.export(
    network,
    (torch.zeros(2, 3, 227, 227),),
    sys.argv[1],
    input_names=["images"],
    output_names=["scores"],
    dynamic_axes={"images": {0: "batch"}, "scores": {0: "batch"}},
    dynamo=False,
)
