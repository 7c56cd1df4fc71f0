"""Photos with human scores: read from disk, checked as a whole, split so that no photo is on both sides."""

from training.data.examples import DataError, Dataset, Example, Problem, Split
from training.data.reading import load_dataset

__all__ = ["DataError", "Dataset", "Example", "Problem", "Split", "load_dataset"]
