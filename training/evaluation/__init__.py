"""How well predictions agree with people: figures with intervals, comparisons, plots."""
