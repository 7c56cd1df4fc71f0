"""`python -m scripts.cost` writes docs/cost.md and its picture."""

from pathlib import Path

from scripts.cost.comparison import Comparison
from scripts.cost.measurements import Measurements
from scripts.cost.plot import plot_costs
from scripts.cost.prices import Prices
from scripts.cost.report import PICTURE, render
from scripts.cost.settings_search import PRESENT
from scripts.cost.systems import Bills

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """Computes, writes and prints."""
    bills = Bills(Measurements.read(), Prices.read())
    comparison = Comparison.over(bills, PRESENT)
    page = render(bills, PRESENT, comparison)
    (DOCS / "cost.md").write_text(page, encoding="utf-8")
    plot_costs(DOCS / PICTURE, comparison.volumes, comparison.costs, comparison.break_even())
    print(page)


if __name__ == "__main__":
    main()
