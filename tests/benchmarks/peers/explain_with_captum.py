"""Maps by Captum over the published package: `explain_with_captum.py IMAGES.npy RUNS STEPS MAPS.npz`.

The images are uint8, batch × height × width × 3. Writes Grad-CAM of the trunk's last stage, scores, and the CPU
and wall seconds that each run of scoring, Grad-CAM and integrated gradients took.
"""

import sys
import time

import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam  # type: ignore[import-not-found]
from resmem import ResMem

images_file, runs, steps, maps_file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
network = ResMem(pretrained=True).eval()
for parameter in network.parameters():
    parameter.requires_grad_(False)
images = torch.from_numpy(np.load(images_file)).permute(0, 3, 1, 2).float() / 255
gradcam = LayerGradCam(network, network.features.layer4)
integrated = IntegratedGradients(network)


def score():
    with torch.no_grad():
        return network(images)[:, 0]


def explain():
    return gradcam.attribute(images.clone().requires_grad_(), target=0, relu_attributions=False)


def integrate():
    return integrated.attribute(images, baselines=0, target=0, n_steps=steps, internal_batch_size=len(images))


seconds, results = {}, {}
for name, function, repeated in (("score", score, runs), ("gradcam", explain, runs), ("integrated", integrate, 1)):
    seconds[name] = []
    for _ in range(repeated):
        start = time.process_time(), time.perf_counter()
        results[name] = function()
        seconds[name].append((time.process_time() - start[0], time.perf_counter() - start[1]))
np.savez(
    maps_file,
    gradcam=results["gradcam"].detach().numpy()[:, 0],
    scores=results["score"].numpy(),
    **{f"{name}_seconds": np.array(values) for name, values in seconds.items()},
)
