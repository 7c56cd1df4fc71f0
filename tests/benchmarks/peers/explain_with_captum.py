"""Maps by Captum over the published package, asked for one run after the other: `explain_with_captum.py IMAGES MAPS`.

The images are uint8, batch × height × width × 3, in an .npy file. Each line of standard input names what to run; each
is answered by the CPU seconds it took. At the end the last maps are written to an .npz file: Grad-CAM of the trunk's
last stage, and gradients times activations of the branch's last convolution.
"""

import sys
import time

import declare_operators  # type: ignore[import-not-found]  # noqa: F401 - before torchvision
import numpy as np
import torch
from captum.attr import (  # type: ignore[import-not-found]
    IntegratedGradients,
    LayerGradCam,
    LayerGradientXActivation,
)
from resmem import ResMem

STEPS = 2

images_file, maps_file = sys.argv[1:]
network = ResMem(pretrained=True).eval()
for parameter in network.parameters():
    parameter.requires_grad_(False)
images = torch.from_numpy(np.load(images_file)).permute(0, 3, 1, 2).contiguous().float() / 255
trunk = LayerGradCam(network, network.features.layer4)
branch = LayerGradientXActivation(network, network.pool5)
integrated = IntegratedGradients(network)


def score():
    with torch.no_grad():
        return network(images)[:, 0]


def gradcam():
    return trunk.attribute(images.clone().requires_grad_(), target=0, relu_attributions=False)


def steps():
    return integrated.attribute(images, baselines=0, target=0, n_steps=STEPS, internal_batch_size=len(images))


runs = {"score": score, "gradcam": gradcam, "steps": steps}
for line in sys.stdin:
    start = time.process_time()
    runs[line.strip()]()
    print(time.process_time() - start, flush=True)
products = branch.attribute(images.clone().requires_grad_(), target=0, attribute_to_layer_input=True)
np.savez(
    maps_file,
    stage4_features=gradcam().detach().numpy()[:, 0],
    conv5_features=products.detach().numpy().sum(axis=1),
)
