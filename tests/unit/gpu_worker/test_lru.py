"""What is kept in memory."""

import pytest

from gpu_worker.lru import BudgetedCache


def kept(cache: BudgetedCache[bytes], *names: str) -> tuple[str, ...]:
    """What is left after values of 10 bytes were asked for."""
    for name in names:
        cache.get(name, lambda: bytes(10))
    return cache.names


@pytest.fixture
def cache() -> BudgetedCache[bytes]:
    return BudgetedCache(30, len)


def test_what_was_used_least_recently_goes_first(cache: BudgetedCache[bytes]) -> None:
    assert kept(cache, "a", "b", "c") == ("a", "b", "c")
    assert kept(cache, "a", "d") == ("c", "a", "d")


def test_a_value_is_loaded_once(cache: BudgetedCache[bytes]) -> None:
    first = cache.get("a", lambda: bytes(10))

    assert cache.get("a", lambda: b"another") is first


def test_a_value_larger_than_the_budget_is_kept_alone(cache: BudgetedCache[bytes]) -> None:
    kept(cache, "a", "b")

    assert cache.get("large", lambda: bytes(31)) == bytes(31)
    assert cache.names == ("large",)


def test_what_cannot_be_loaded_changes_nothing(cache: BudgetedCache[bytes]) -> None:
    kept(cache, "a")
    with pytest.raises(ZeroDivisionError):
        cache.get("b", lambda: bytes(1 // 0))

    assert cache.names == ("a",)
