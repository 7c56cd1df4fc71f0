"""docs/cost.md, from measurements, prices and simulations."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import replace

from scripts.cost.checks import check
from scripts.cost.comparison import FARGATE, OURS, REPLACED, SAGEMAKER, Comparison
from scripts.cost.measurements import vcpus_of
from scripts.cost.prices import Service
from scripts.cost.settings_search import (
    FAST_SECONDS,
    MAX_CONCURRENCY,
    PRESENT,
    SLOW_SECONDS,
    TWICE_AS_MANY,
    Tried,
    best,
    settings,
    try_setting,
)
from scripts.cost.simulation import Setting
from scripts.cost.systems import FARGATE_GB, FARGATE_VCPUS, REPLACED_SECONDS_A_PHOTO, UTILISATION, Bill, Bills
from scripts.cost.workloads import BATCH_PHOTOS, BATCH_UPLOAD_SECONDS

VOLUMES = (1_000, 100_000, 10_000_000)
PICTURE = "images/cost.png"


def render(bills: Bills, setting: Setting, comparison: Comparison) -> str:
    """The whole page."""
    sections = (
        _head(bills),
        _months(bills, setting),
        _others(bills, setting, comparison),
        _batch_of_20(bills),
        _at_once(bills, setting),
        _sensitivity(bills, setting),
        _checks(bills),
        _assumptions(bills),
        _prices(bills),
    )
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _head(bills: Bills) -> str:
    measured, prices = bills.measured, bills.prices
    text = (
        f"Written by `make cost` from [measurements.json](measurements.json) ({measured.measured_on}, "
        f"{measured.model}; {measured.machine}), public prices of {prices.region} ({prices.as_of}, "
        "[prices.toml](../scripts/cost/prices.toml)) and a seeded simulation of how Lambda scales "
        "([simulation.py](../scripts/cost/simulation.py)). Nothing here has been billed by AWS yet. Photos' storage "
        "and traffic, mails and logs are left out: they are the same for every system. So are free tiers."
    )
    return f"# The bill\n\n{_wrap(text)}"


def _months(bills: Bills, setting: Setting) -> str:
    months = {volume: bills.ours(volume, setting) for volume in VOLUMES}
    names = next(iter(months.values())).items
    rows = [[name, *(_usd(month.items[name]) for month in months.values())] for name in names]
    rows.append(["**a month**", *(f"**{_usd(month.total)}**" for month in months.values())])
    rows.append(["a photo", *(_usd(month.total / volume) for volume, month in months.items())])
    rows.append(["calls that start a container", *(f"{month.cold_share:.1%}" for month in months.values())])
    rows.append(["containers started", *(f"{month.cold_starts:,.0f}" for month in months.values())])
    rows.append(["upload to record, 95 of 100 photos", *(f"{m.slowest_seconds:.1f} s" for m in months.values())])
    table = _table(["US dollars", *(f"{volume:,} photos" for volume in VOLUMES)], rows)
    text = (
        f"Batches of {BATCH_PHOTOS}, each uploaded within {BATCH_UPLOAD_SECONDS:g} s, at random times of 22 working "
        f"days of 10 hours; {_describe(setting)}."
    )
    return f"## A month\n\n{_wrap(text)}\n\n{table}"


def _others(bills: Bills, setting: Setting, comparison: Comparison) -> str:
    costs = {
        OURS: lambda photos: bills.ours(photos, setting).total,
        REPLACED: bills.replaced,
        SAGEMAKER: bills.sagemaker,
        FARGATE: bills.fargate,
    }
    rows = [[name, *(_usd(cost(volume)) for volume in VOLUMES)] for name, cost in costs.items()]
    table = _table(["US dollars a month", *(f"{volume:,} photos" for volume in VOLUMES)], rows)
    crossings = comparison.break_even()
    lines = [
        f"- At about {_round(volume):,} photos a month, the {name} becomes cheaper."
        for name, volume in crossings.items()
    ]
    lines += [
        f"- The {name} is cheaper at no volume up to {comparison.volumes[-1]:,} photos a month."
        for name in (REPLACED, SAGEMAKER, FARGATE)
        if name not in crossings
    ]
    prices = bills.prices
    others = (
        f"- The **replaced system**: {prices.replaced.instance}, {REPLACED_SECONDS_A_PHOTO:g} s a photo. It ran one "
        "for every customer; counted here is the least, one for all of them. Every further customer adds "
        f"{_usd(bills.replaced(1))}.",
        f"- A **SageMaker endpoint** of {prices.sagemaker.instance} ({bills.sagemaker_cores} processors), and a "
        f"**Fargate container** with {FARGATE_VCPUS} processors and {FARGATE_GB} GB, run `memorability serve` all "
        "month.",
        f"- As many machines are counted as are at most {UTILISATION:.0%} busy in working hours, one at least, which "
        "is no redundancy; and the machines alone, not the photos and records that this system's sum includes.",
    )
    text = "\n".join(_wrap(other, indent="  ") for other in others)
    return f"## Against others\n\n{text}\n\n{table}\n![Cost a month over photos a month]({PICTURE})\n\n" + "\n".join(
        lines
    )


def _batch_of_20(bills: Bills) -> str:
    tried = [try_setting(bills, setting) for setting in settings()]
    named = [next(one for one in tried if one.setting == setting) for setting in (PRESENT, TWICE_AS_MANY)]
    header = [
        "trigger",
        "batch",
        "calls at once",
        "MiB",
        "window",
        *("cold, slow line", "cold, fast line", "warm, fast line"),
        *("containers, slow", "containers, fast"),
        *("cold, US cents", "warm, US cents"),
    ]
    chosen = [*best(tried), *(one for one in tried if one.setting.trigger == "direct"), *named]
    rows = [_tried_row(one) for one in dict.fromkeys(chosen)]
    text = (
        f"{len(tried)} settings were simulated for one batch of {BATCH_PHOTOS}, with no container at first and right "
        f"afterwards, uploaded over a slow line ({SLOW_SECONDS:g} s) and a fast one ({FAST_SECONDS:g} s). Seconds are "
        "from the last upload's end to the last record; cents are the mean of both lines. Listed are those that no "
        "other beats in both a cold batch's cost and its time on the fast line, cheapest first; then `direct`; then "
        "Terraform's defaults; then these with twice as many calls at once."
    )
    present, twice = named
    advice = (
        f"**`max_concurrency = {PRESENT.max_concurrency}` is Terraform's default**: a cold batch over the fast line "
        f"is done after {present.fast.cold_seconds:.1f} s for {present.cold_usd * 100:.1f} US cents; twice as many: "
        f"after {twice.fast.cold_seconds:.1f} s for {twice.cold_usd * 100:.1f}. What a "
        "container reads when it starts costs more than all its calls, so that few containers with more memory beat "
        "many small ones as long as batches come cold; 3,008 MiB is what new accounts may have."
    )
    return f"## A batch of {BATCH_PHOTOS}\n\n{_wrap(text)}\n\n{_table(header, rows)}\n{_wrap(advice)}"


def _tried_row(one: Tried) -> list[str]:
    setting, direct = one.setting, one.setting.trigger == "direct"
    return [
        setting.trigger,
        "–" if direct else str(setting.batch_size),
        "–" if direct else str(setting.max_concurrency),
        f"{setting.memory_mib:,}",
        "–" if direct else f"{setting.window_seconds:g} s",
        *(f"{seconds:.1f} s" for seconds in (one.slow.cold_seconds, one.fast.cold_seconds, one.fast.warm_seconds)),
        *(str(line.cold_starts) for line in (one.slow, one.fast)),
        f"{one.cold_usd * 100:.2f}",
        f"{one.warm_usd * 100:.3f}",
    ]


def _at_once(bills: Bills, setting: Setting) -> str:
    rows = []
    for concurrency in MAX_CONCURRENCY:
        months = [bills.ours(volume, replace(setting, max_concurrency=concurrency)) for volume in VOLUMES]
        rows.append([str(concurrency), *(f"{_usd(month.total)}, {month.slowest_seconds:.1f} s" for month in months)])
    header = ["`max_concurrency`", *(f"{volume:,} photos" for volume in VOLUMES)]
    text = "US dollars a month, and how long 95 of 100 photos wait at most. Lambda takes no less than 2."
    return f"## How many at once\n\n{_wrap(text)}\n\n{_table(header, rows)}"


def _sensitivity(bills: Bills, setting: Setting) -> str:
    changes = {
        "as assumed": {},
        "containers kept for 5 minutes": {"keep_alive_seconds": 300.0},
        "containers kept for 45 minutes": {"keep_alive_seconds": 2700.0},
        "volume read at 50 MB/s": {"volume_mb_per_second": 50.0},
        "volume read at 500 MB/s": {"volume_mb_per_second": 500.0},
    }
    rows = []
    for name, change in changes.items():
        changed = replace(bills, assumptions=replace(bills.assumptions, **change))
        months: Sequence[Bill] = [changed.ours(volume, setting) for volume in VOLUMES]
        cold = try_setting(changed, setting).fast.cold_seconds
        rows.append([name, *(f"{_usd(month.total)} ({month.cold_share:.1%})" for month in months), f"{cold:.1f} s"])
    header = ["", *(f"{volume:,} photos" for volume in VOLUMES), "a cold batch of 20, fast line"]
    return (
        "## If the assumptions are wrong\n\nUS dollars a month, and the share of calls that start a container.\n\n"
        + (_table(header, rows))
    )


def _checks(bills: Bills) -> str:
    rows = []
    for run in bills.measured.platform_runs:
        checked = check(bills, run)
        state = "warm" if run.warm else "cold"
        low, high = run.seconds
        rows.append([state, f"{low:g} to {high:g} s", f"{checked.simulated_seconds:.1f} s", f"{checked.ratio:.2f}"])
    text = (
        "A batch of 20 through the whole platform on an emulator, whose containers share two cores, as it was measured "
        "and as the same simulation gives it."
    )
    return f"## The simulation against measured runs\n\n{_wrap(text)}\n\n" + _table(
        ["", "measured", "simulated", "ratio"], rows
    )


def _assumptions(bills: Bills) -> str:
    measured, assumed = bills.measured, bills.assumptions
    rows = [
        ["containers are kept idle for", f"{assumed.keep_alive_seconds / 60:g} min", "assumed; AWS promises nothing"],
        ["AWS starts a container in", f"{assumed.start_seconds:g} s", "assumed; not billed"],
        ["from an upload's end to a message or call", f"{assumed.delivery_seconds:g} s", "assumed"],
        ["fetching photos and writing records, a call", f"{assumed.network_seconds:g} s", "assumed"],
        ["reading from the volume", f"{assumed.volume_mb_per_second:g} MB/s", "assumed"],
        ["read by a cold container", f"{measured.read_gb * 1000:.0f} MB", "measured"],
    ]
    rows += [
        [f"cold container with {memory:,} MiB to its first record", f"{_cold(bills, memory):.2f} s", source]
        for memory, source in ((1769, "measured, one core"), (3008, "between both"), (3538, "measured, two cores"))
    ]
    rows += [
        [
            f"{photos} photo{'s' * (photos > 1)} in a warm call, {memory:,} MiB",
            f"{measured.call(photos, vcpus_of(memory)):.2f} s",
            source,
        ]
        for photos, memory, source in (
            (1, 3008, "between measured"),
            (10, 3008, "between measured"),
            (10, 10240, "extrapolated"),
        )
    ]
    return "## What it rests on\n\n" + _table(["", "", ""], rows)


def _cold(bills: Bills, memory_mib: int) -> float:
    vcpus = vcpus_of(memory_mib)
    return bills.measured.cold_start(vcpus) + bills.measured.call(1, vcpus)


def _prices(bills: Bills) -> str:
    rows = []
    for field, value in bills.prices:
        if isinstance(value, Service):
            prices = ", ".join(f"{name} {price:g}" for name, price in value if isinstance(price, float))
            rows.append([getattr(value, "instance", field), prices, value.source])
    return "## Prices\n\n" + _table(["", "US dollars", "source"], rows)


def _describe(setting: Setting) -> str:
    return (
        f'`score_trigger = "{setting.trigger}"`, `batch_size = {setting.batch_size}`, '
        f"`max_concurrency = {setting.max_concurrency}`, `memory_mib = {setting.memory_mib}`"
    )


def _usd(value: float) -> str:
    """Dollars with as many digits as matter."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 0.01 else f"{value:.6f}"


def _round(value: float) -> int:
    """Two digits that count: the inputs carry no more."""
    return round(float(f"{value:.2g}"))


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _table(header: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(header), *rows]
    rule = ["---"] * len(lines[0])
    return "".join(f"| {' | '.join(line)} |\n" for line in (lines[0], rule, *lines[1:]))
