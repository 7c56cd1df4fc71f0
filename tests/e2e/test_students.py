"""The ImageNet weights that students begin with: fetched as users fetch them, and equal to their package's."""

import os
from pathlib import Path

import jax
import numpy as np
import pytest

from model_store.golden import golden_image
from model_store.models.checkpoints import unflatten
from model_store.models.efficientnet_lite.modeling import TOP_FEATURES, TRUNK, EfficientNetLiteTrunk
from training.distillation.students import begin, find_student, known_students

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "unit" / "models" / "reference" / "efficientnet_lite0.npz"
# Fifty convolutions in float32, on features up to 6. Measured: 6e-6.
TOLERANCE = 5e-5


@pytest.fixture(scope="session")
def downloads() -> Path:
    return Path(os.environ.get("MEMORABILITY_CACHE") or ROOT / ".cache" / "downloads")


def test_features_equal_the_packages(downloads: Path) -> None:
    student = find_student("efficientnet-lite0")
    params = unflatten(begin(student, student.size, downloads, lambda *_: None).parameters)

    module = EfficientNetLiteTrunk(student.width, student.depth)
    features = jax.jit(module.apply)({"params": params[TRUNK]}, golden_image(0, student.size)[None])

    with np.load(RECORDED) as recorded:
        np.testing.assert_allclose(features[:, -TOP_FEATURES:], recorded["published"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("name", known_students())
def test_every_students_weights_fit_it(downloads: Path, name: str) -> None:
    student = find_student(name)

    assert np.isfinite(
        [value.sum() for value in begin(student, student.size, downloads, lambda *_: None).parameters.values()]
    ).all()
