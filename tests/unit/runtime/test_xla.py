"""Programs run by jaxlib alone give what JAX gives."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_store.runtime import xla
from model_store.runtime.xla import ArrayType, Program, serialize, to_device, to_host

FLOAT32 = np.dtype(np.float32)


@pytest.fixture(scope="module")
def payload() -> bytes:
    """A program of two arguments and two results."""
    shapes = (jax.ShapeDtypeStruct((2, 3), np.float32), jax.ShapeDtypeStruct((3,), np.uint8))
    compiled = jax.jit(lambda x, y: (x * y, jnp.sum(x, axis=1)), keep_unused=True).lower(*shapes).compile()
    return serialize(compiled)


def program(payload: bytes) -> Program:
    return Program(payload, [ArrayType((2, 3), FLOAT32), ArrayType((2,), FLOAT32)])


def test_arguments_and_results_come_in_their_order(payload: bytes) -> None:
    x, y = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2, 3], dtype=np.uint8)

    product, total = program(payload)([to_device(x), to_device(y)])

    np.testing.assert_array_equal(to_host(product), x * y)
    np.testing.assert_array_equal(to_host(total), x.sum(axis=1))
    assert to_host(product).dtype == np.float32


def test_results_can_be_arguments(payload: bytes) -> None:
    x, y = np.ones((2, 3), dtype=np.float32), np.full(3, 3, dtype=np.uint8)
    run = program(payload)

    twice, _ = run([run([to_device(x), to_device(y)])[0], to_device(y)])

    np.testing.assert_array_equal(to_host(twice), 9 * x)


def test_arguments_of_another_shape_are_refused(payload: bytes) -> None:
    with pytest.raises(Exception, match="INVALID_ARGUMENT"):
        program(payload)([to_device(np.ones((2, 4), dtype=np.float32)), to_device(np.ones(3, dtype=np.uint8))])


def test_what_is_no_program_is_refused() -> None:
    with pytest.raises(Exception, match=r"\S"):
        Program(b"not a program", [])


def test_threads_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    xla._make_cpu.cache_clear()
    together = Barrier(8)

    def client(_: int) -> object:
        together.wait()
        return xla._cpu().client

    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(client, range(8)))

    assert len({id(found) for found in clients}) == 1
