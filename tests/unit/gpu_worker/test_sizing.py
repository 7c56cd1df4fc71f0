"""Batches that are too large for the device, and photos that cannot be computed."""

from collections.abc import Sequence

from gpu_worker.backlog import Group
from gpu_worker.sizing import BatchLimits, in_halves
from model_store.heatmaps.methods import Method
from tests.unit.gpu_worker.fakes import RESMEM, VITMEM

GROUP = Group(RESMEM, Method.INTEGRATED_GRADIENTS)


class Device:
    """Computes up to so many numbers at a time; 13 is unlucky."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.sizes: list[int] = []

    def compute(self, numbers: Sequence[int]) -> list[int]:
        self.sizes.append(len(numbers))
        if len(numbers) > self.memory:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 268435456 bytes.")
        if 13 in numbers:
            raise ValueError("13")
        return [number * 2 for number in numbers]


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    device, exhausted = Device(memory=2), list[int]()

    assert in_halves(device.compute, range(8), exhausted.append) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert exhausted == [8, 4, 4]
    assert device.sizes == [8, 4, 2, 2, 4, 2, 2]


def test_one_photo_that_cannot_be_computed_costs_no_other_its_result() -> None:
    exhausted = list[int]()
    results = in_halves(Device(memory=8).compute, [1, 2, 13, 4, 5], exhausted.append)

    assert [result if isinstance(result, int) else str(result) for result in results] == [2, 4, "13", 8, 10]
    assert not exhausted


def test_a_photo_too_large_on_its_own_fails() -> None:
    (result,) = in_halves(Device(memory=0).compute, [1], lambda _size: None)

    assert "RESOURCE_EXHAUSTED" in str(result)


def test_a_limit_is_learnt_for_its_group_alone() -> None:
    limits = BatchLimits(32)
    for too_many in (32, 16, 32):
        limits.lower(GROUP, too_many)

    assert limits[GROUP] == 8
    assert limits[Group(VITMEM, Method.INTEGRATED_GRADIENTS)] == 32

    limits.lower(GROUP, 1)
    assert limits[GROUP] == 1
