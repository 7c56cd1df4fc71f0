"""Writes the published package's network to an ONNX file: `export_onnx.py FILE`."""

import sys

import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
import torch
from resmem import ResMem

network = ResMem(pretrained=True).eval()
torch.onnx.export(network, (torch.zeros(1, 3, 227, 227),), sys.argv[1], input_names=["images"], dynamo=False)
