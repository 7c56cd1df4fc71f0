"""Measurements and prices that are easy to reckon with."""

from datetime import date

from scripts.cost.measurements import Measurements, PlatformRun
from scripts.cost.prices import Prices
from scripts.cost.systems import Bills

MEASURED = Measurements(
    measured_on=date(2026, 1, 2),
    model="tiny@1",
    machine="an imagined one",
    cold_seconds={1: 2.3, 2: 1.3},
    call_seconds={1: {1: 0.3, 2: 0.5, 10: 2.1}, 2: {1: 0.2, 2: 0.3, 10: 1.1}},
    model_mb=200,
    bundle_touched_mb=100,
    store_mb=1000,
    memory_mb=800,
    platform_runs=(PlatformRun(photos=20, warm=True, cores=2, containers=2, batch_size=10, seconds=(3.0, 4.0)),),
)


def bills() -> Bills:
    return Bills(MEASURED, Prices.read(), most_batches=60)
