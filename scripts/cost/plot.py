"""Monthly costs over volume, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

COLOURS = ("#0b6e4f", "#9a3b3b", "#b7791f", "#3b5b9a")


def plot_costs(
    file: Path, volumes: Sequence[int], costs: Mapping[str, Sequence[float]], break_even: Mapping[str, float]
) -> None:
    """Draws costs by system over photos a month, and where the first system stops being the cheapest.

    Args:
        file: PNG to write.
        volumes: photos a month, rising.
        costs: US dollars a month by system; the first is this one.
        break_even: photos a month at which another system costs as much, by its name.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.8), layout="constrained")
    for (name, values), colour in zip(costs.items(), COLOURS, strict=True):
        axes.plot(volumes, values, label=name, color=colour, linewidth=2)
    for name, volume in break_even.items():
        axes.axvline(volume, color="#888888", linewidth=0.8, linestyle=":")
        axes.annotate(f"{name}: {volume:,.0f}", (volume, 1.3), rotation=90, fontsize=8, ha="right", va="bottom")
    axes.set(xscale="log", yscale="log", xlabel="photos a month", ylabel="US dollars a month", ylim=(1, None))
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    # No time of writing in the file: the same figures give the same picture.
    figure.savefig(file, dpi=120, metadata={"Software": None})
    pyplot.close(figure)
