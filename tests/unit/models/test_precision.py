"""Compact storage: what it may cost a parameter, and what it must leave alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from model_store.models.precision import (
    HALF_MINIMUM_VALUES,
    INT8_MINIMUM_VALUES,
    SCALE_SUFFIX,
    compact,
    parameter_paths,
    widen,
)

# The smallest dense kernel that is stored in 8 bits, in a shape with columns to look at.
LARGE = (INT8_MINIMUM_VALUES // 16, 16)
# The smallest kernel that is stored in 16 bits.
MIDDLING = (5, 5, 20, HALF_MINIMUM_VALUES // 500)


def test_each_kind_of_parameter_gets_its_storage() -> None:
    params = {
        "conv/kernel": np.ones(MIDDLING, np.float32),
        "dense/kernel": np.ones((HALF_MINIMUM_VALUES, 1), np.float32),
        "stem/kernel": np.ones(HALF_MINIMUM_VALUES - 1, np.float32)[None],
        "large/kernel": np.ones(LARGE, np.float32),
        "large/bias": np.ones(16, np.float32),
        "gain": np.ones((), np.float32),
    }

    stored = compact(params)

    assert {path: str(value.dtype) for path, value in stored.items()} == {
        "conv/kernel": "float16",
        "dense/kernel": "float16",
        "stem/kernel": "float32",
        "large/kernel": "int8",
        f"large/kernel{SCALE_SUFFIX}": "float32",
        "large/bias": "float32",
        "gain": "float32",
    }
    assert parameter_paths(stored) == list(params)
    assert 2 * INT8_MINIMUM_VALUES > stored["large/kernel"].nbytes == INT8_MINIMUM_VALUES


def test_one_value_less_than_the_limit_is_stored_in_16_bits() -> None:
    assert compact({"kernel": np.ones((INT8_MINIMUM_VALUES - 1, 1), np.float32)})["kernel"].dtype == np.float16


def test_8_bits_cost_at_most_half_a_step_of_their_column() -> None:
    random = np.random.default_rng(0)
    kernel = (random.normal(size=LARGE) * np.geomspace(1e-6, 1e4, LARGE[1])).astype(np.float32)

    widened = round_trip({"kernel": kernel})["kernel"]

    step = np.abs(kernel).max(axis=0) / 127
    # Half a step, and the rounding of scale and product to float32.
    assert (np.abs(widened - kernel) <= step * (0.5 + 1e-4)).all()
    assert np.unique(widened[:, 3]).size > 200, "only a few of the 255 steps are used"


def test_columns_of_zeros_and_of_the_smallest_numbers_are_kept() -> None:
    kernel = np.zeros(LARGE, np.float32)
    kernel[:, 1] = np.float32(1e-45)  # the smallest float32 above 0: its 127th part is none
    kernel[:, 2] = 1

    widened = round_trip({"kernel": kernel})["kernel"]

    np.testing.assert_array_equal(widened[:, 0], 0)
    np.testing.assert_allclose(widened[:, 1], 0, atol=1e-37)
    np.testing.assert_allclose(widened[:, 2], 1, rtol=1e-6)


@settings(deadline=None)
@given(
    kernel=arrays.arrays(
        np.float32, (4, 3), elements=st.floats(-65000, 65000, width=32, allow_subnormal=False, allow_nan=False)
    )
)
def test_16_bits_cost_at_most_half_a_unit_in_the_11th_binary_place(kernel: np.ndarray) -> None:
    kernel = np.resize(kernel, MIDDLING)
    stored = compact({"kernel": kernel})["kernel"]

    assert stored.dtype == np.float16
    widened = stored.astype(np.float32)
    smallest_step = 2.0**-24  # of float16's subnormal numbers
    assert (np.abs(widened - kernel) <= np.maximum(np.abs(kernel) * 2.0**-11, smallest_step / 2)).all()


@pytest.mark.parametrize("outlier", [65504.0, 65519.0, 1e9, -1e9, np.inf])
def test_a_value_too_large_for_16_bits_keeps_the_whole_kernel_in_32(outlier: float) -> None:
    kernel = np.full(MIDDLING, 0.1, np.float32)
    kernel[0, 0] = outlier

    stored = compact({"kernel": kernel})["kernel"]

    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, kernel)


def test_widening_float32_changes_nothing() -> None:
    params = {"a/kernel": jnp.arange(6.0).reshape(2, 3), "a/bias": jnp.ones(3)}

    widened = widen(params)

    assert list(widened) == list(params)
    assert all(widened[path] is params[path] for path in params)


def test_compact_parameters_are_close_when_widened_by_a_compiled_program() -> None:
    random = np.random.default_rng(1)
    params = {
        "conv/kernel": random.normal(0, 0.1, MIDDLING).astype(np.float32),
        "conv/bias": random.normal(size=8).astype(np.float32),
        "dense/kernel": random.normal(0, 0.01, LARGE).astype(np.float32),
    }

    widened = round_trip(params)

    assert widened.keys() == params.keys()
    np.testing.assert_array_equal(widened["conv/bias"], params["conv/bias"])
    np.testing.assert_allclose(widened["conv/kernel"], params["conv/kernel"], rtol=2**-11, atol=2**-25)
    # Half a step, where the largest value of a column lies at most six standard deviations out: 0.01 · 6 / 127 / 2.
    np.testing.assert_allclose(widened["dense/kernel"], params["dense/kernel"], rtol=0, atol=2.4e-4)
    assert all(value.dtype == np.float32 for value in widened.values())


def test_storage_is_smaller_by_what_the_command_promises() -> None:
    # ResMem in small: 51 % of its values in large dense kernels, the rest in convolutions.
    params = {"fc/kernel": np.ones(LARGE, np.float32), "conv/kernel": np.ones((LARGE[0], 16, 1, 1), np.float32)}

    stored = compact(params)

    assert nbytes(params) / nbytes(stored) > 2.6


def round_trip(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {path: np.asarray(value) for path, value in jax.jit(widen)(compact(params)).items()}


def nbytes(values: dict[str, np.ndarray]) -> int:
    return sum(value.nbytes for value in values.values())
