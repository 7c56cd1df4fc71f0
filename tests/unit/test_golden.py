"""Golden cases: the images must never change, and a model that misses a score must not pass."""

import hashlib

import numpy as np
import pytest

from model_store.golden import BLOCK_PIXELS, GoldenCaseError, golden_image, require_golden_scores
from model_store.store.manifest import GoldenCase

SIZE = 20


@pytest.mark.parametrize(
    ("seed", "size", "digest"),
    [
        (0, 16, "dc58864572cef0ed"),
        (0, 227, "e2bbd618681769ef"),
        (1, 224, "f1cfa348b1a388a8"),
    ],
)
def test_the_image_of_a_seed_is_the_same_for_ever(seed: int, size: int, digest: str) -> None:
    assert hashlib.sha256(golden_image(seed, size).tobytes()).hexdigest().startswith(digest)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 227])
def test_an_image_has_any_size(size: int) -> None:
    image = golden_image(3, size)

    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8


def test_an_image_is_of_coloured_blocks_under_noise() -> None:
    image = golden_image(0, 4 * BLOCK_PIXELS).astype(float)

    blocks = image.reshape(4, BLOCK_PIXELS, 4, BLOCK_PIXELS, 3)
    assert blocks.mean(axis=(1, 3)).std() > 30, "blocks differ in colour"
    assert 5 < blocks.std(axis=(1, 3)).mean() < 15, "pixels of a block differ a little"
    assert len({golden_image(seed, SIZE).tobytes() for seed in range(20)}) == 20


def brightness(images: np.ndarray) -> np.ndarray:
    """A model that anybody can check."""
    return images.mean(axis=(1, 2, 3)) / 255


def case(seed: int, off: float = 0.0, tolerance: float = 1e-4) -> GoldenCase:
    score = float(brightness(golden_image(seed, SIZE)[None])[0])
    return GoldenCase(seed=seed, score=score + off, tolerance=tolerance)


def test_the_right_scores_pass() -> None:
    require_golden_scores(brightness, [case(0), case(5), case(2, off=0.9e-4)], SIZE, "tiny@1")


def test_no_cases_ask_nothing_of_the_model() -> None:
    def never(_images: np.ndarray) -> np.ndarray:
        raise AssertionError("the model was asked")

    require_golden_scores(never, [], SIZE, "tiny@1")


def test_every_missed_score_is_named() -> None:
    cases = [case(0), case(5, off=2e-4), case(2, off=-0.5)]

    with pytest.raises(GoldenCaseError) as caught:
        require_golden_scores(brightness, iter(cases), SIZE, "tiny@1")

    message = str(caught.value)
    assert message.startswith("tiny@1 does not give its golden scores, so it is not published: ")
    assert "seed 0:" not in message
    assert f"seed 5: {cases[1].score - 2e-4:.6f}, expected {cases[1].score:.6f} ± 0.0001" in message
    assert f"seed 2: {cases[2].score + 0.5:.6f}, expected {cases[2].score:.6f} ± 0.0001" in message


def test_a_score_that_is_no_number_is_missed() -> None:
    with pytest.raises(GoldenCaseError, match="seed 0: nan"):
        require_golden_scores(lambda images: np.full(len(images), np.nan), [case(0)], SIZE, "tiny@1")
