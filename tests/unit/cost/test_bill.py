"""Seconds and bytes × prices, reckoned by hand; and the files that the page is made from."""

import re
from pathlib import Path

import pytest

from scripts.cost.checks import check
from scripts.cost.comparison import OURS, Comparison
from scripts.cost.measurements import Measurements, vcpus_of
from scripts.cost.plot import plot_costs
from scripts.cost.prices import Prices, Service
from scripts.cost.report import render
from scripts.cost.settings_search import PRESENT, best, settings, try_setting
from scripts.cost.simulation import Setting
from scripts.cost.systems import Bills
from scripts.cost.workloads import DAY_SECONDS, DAYS_A_MONTH, WORKING_SECONDS_A_MONTH, sample_month
from tests.unit.cost.samples import MEASURED, bills

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("photos", "vcpus", "seconds"),
    [
        (1, 1, 0.3),
        (1, 2, 0.2),
        (10, 2, 1.1),
        (6, 1, 1.3),  # halfway from 2 to 10
        (14, 1, 2.9),  # on beyond
        (1, 0.5, 0.6),  # half a processor takes twice as long
        (1, 4, 0.15),  # two thirds of it are parallel
    ],
)
def test_a_call_follows_from_what_was_measured(photos: int, vcpus: float, seconds: float) -> None:
    assert MEASURED.call(photos, vcpus) == pytest.approx(seconds)


def test_a_cold_start_is_what_comes_before_the_first_photo() -> None:
    assert MEASURED.cold_start(1) == pytest.approx(2.0)
    assert MEASURED.cold_start(2) == pytest.approx(1.1)
    assert vcpus_of(3538) == 2


def test_usage_is_billed_by_memory_time_calls_and_bytes() -> None:
    prices, setting = Prices.read(), Setting(memory_mib=2048)

    usage = bills().usage(2_000_000, 1000.0, 10, setting)

    seconds = 1000 + 10 * bills().speed(setting).cold
    assert usage["Lambda"] == pytest.approx(
        seconds * 2 * prices.functions.gb_second + 2 * prices.functions.million_requests
    )
    assert usage["volume, reads"] == pytest.approx(10 * 0.3 * prices.efs.gb_read)


def test_machines_are_rented_whole_and_by_the_month() -> None:
    prices = Prices.read()
    one = 730 * prices.replaced.instance_hour

    assert bills().replaced(1) == pytest.approx(one)
    capacity = int(WORKING_SECONDS_A_MONTH * 0.7 / 5)
    assert bills().replaced(capacity) == pytest.approx(one)
    assert bills().replaced(capacity + 1) == pytest.approx(2 * one)
    fargate = 730 * (2 * prices.fargate.vcpu_hour + 4 * prices.fargate.gb_hour)
    assert bills().fargate(1000) == pytest.approx(fargate)
    assert bills().sagemaker(1000) == pytest.approx(730 * prices.sagemaker.instance_hour)


def test_a_small_month_is_simulated_whole_and_of_a_large_one_a_part() -> None:
    small = sample_month(1000, 60, seed=1)
    assert (len(small.uploads), small.days, small.part, small.share) == (1000, 22, 1, 1)
    assert small.uploads == sorted(small.uploads)

    some_days = sample_month(20_000, 100, seed=1)
    assert (some_days.days, some_days.part) == (2, 1)

    large = sample_month(10_000_000, 60, seed=1)
    assert (large.days, len(large.uploads)) == (1, 1200)
    assert len(large.uploads) == pytest.approx(10_000_000 * large.share)
    assert large.uploads[-1] <= DAY_SECONDS * large.part + 10


def test_mornings_start_containers_and_the_rest_of_the_day_goes_on_as_its_sample_did() -> None:
    busy = bills().ours(10_000_000, PRESENT)

    assert DAYS_A_MONTH <= busy.cold_starts <= DAYS_A_MONTH * PRESENT.max_concurrency


def test_the_more_photos_the_rarer_are_cold_starts_and_the_cheaper_is_each() -> None:
    small, large = (bills().ours(volume, PRESENT) for volume in (1000, 100_000))

    assert large.cold_share < small.cold_share
    assert large.total / 100_000 < small.total / 1000
    assert small.total == sum(small.items.values())


def test_break_even_lies_where_the_lines_cross() -> None:
    compared = Comparison((10, 1000), {OURS: [1, 100], "always on": [10, 10], "never": [1000, 1000]})

    assert compared.break_even() == {"always on": pytest.approx(100)}


def test_the_best_settings_are_beaten_by_none() -> None:
    tried = [try_setting(bills(), setting) for setting in list(settings())[:45]]
    chosen = best(tried)

    for one in chosen:
        assert not any(
            other.cold_usd < one.cold_usd and other.fast.cold_seconds <= one.fast.cold_seconds for other in tried
        )
    assert [one.cold_usd for one in chosen] == sorted(one.cold_usd for one in chosen)


def test_terraforms_defaults_are_those_that_the_page_is_about() -> None:
    score = re.search(r'variable "score" \{.*?\n\}', (ROOT / "terraform/variables.tf").read_text(), re.DOTALL)
    assert score
    for name in ("batch_size", "max_concurrency", "memory_mib"):
        default = re.search(rf"{name}\s*=\s*optional\(number, (\d+)\)", score[0])
        assert default
        assert int(default[1]) == getattr(PRESENT, name), name


def test_the_simulation_is_near_what_was_measured() -> None:
    real = Bills(Measurements.read(), Prices.read())

    assert real.measured.platform_runs
    for run in real.measured.platform_runs:
        assert check(real, run).ratio == pytest.approx(1, abs=0.4)


def test_the_page_says_what_was_reckoned(tmp_path: Path) -> None:
    compared = Comparison.over(bills(), PRESENT, volumes=(1000, 10_000, 10_000_000))

    page = render(bills(), PRESENT, compared)
    plot_costs(tmp_path / "cost.png", compared.volumes, compared.costs, compared.break_even())

    month_of_1000 = bills().ours(1000, PRESENT)
    assert f"| **a month** | **{month_of_1000.total:.2f}** |" in page
    assert "| 10 photos in a warm call, 3,008 MiB |" in page
    assert page.count("\n## ") == 8
    for line in page.splitlines():
        assert "nan" not in line
    assert (tmp_path / "cost.png").read_bytes().startswith(b"\x89PNG")


def test_prices_name_their_source_and_date() -> None:
    prices = Prices.read()

    sources = [price.source for _, price in prices if isinstance(price, Service)]
    assert len(sources) == 9
    assert all(source.startswith("https://aws.amazon.com/") for source in sources)
    assert prices.as_of.year >= 2026
