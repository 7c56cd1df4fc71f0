"""One photo's score by ONNX Runtime: `score_with_onnxruntime.py MODEL PHOTO`."""

import sys

import numpy as np
import onnxruntime  # type: ignore[import-not-found]
from PIL import Image

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
square = Image.open(sys.argv[2]).convert("RGB").resize((256, 256), Image.Resampling.BILINEAR).crop((14, 14, 241, 241))
pixels = np.asarray(square, dtype=np.float32).transpose(2, 0, 1)[None] / 255
print(session.run(None, {"images": pixels})[0].item(), flush=True)
