"""A data set on disk becomes a checked one, or one error that lists everything that is wrong with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from model_store.images import ImageLimits
from training.data.examples import DataError, Dataset, Example, Problem
from training.data.listings import find_listings, read_listing
from training.data.photos import Look, group_duplicates, inspect
from training.data.rows import to_examples
from training.errors import TrainingError

# Of the 128 bits of two perceptual hashes. Of 100 landscapes, 95 % differ in at most 10 from copies that were scaled,
# recompressed or toned, and half in at most 11 from copies that lost 3 % at each edge; of the 1.8 million pairs of
# 1,900 landscapes three differ in at most 20, and these three are doubles. 100 landscapes that were flipped, scaled and
# recompressed differ in at most 11 from the mirror image; no two different ones differ from it in fewer than 20.
MAX_DUPLICATE_BITS = 12

OnPhoto = Callable[[int, int], object]
"""Called with the number of photos that were looked at, and how many there are."""


def load_dataset(
    data: Path,
    *,
    lamem_split: int = 1,
    limits: ImageLimits | None = None,
    on_photo: OnPhoto = lambda _done, _total: None,
) -> Dataset:
    """Reads and checks a data set.

    Args:
        data: a folder with photos and one CSV or JSON Lines file, that file itself, or LaMem's folder. The columns are
            `file,score[,hits,trials][,split][,group]`; photos lie beside the file, or in `images` beside it or above.
        lamem_split: which of LaMem's five splits.
        limits: what a photo may be at most.
        on_photo: told of progress.

    Raises:
        DataError: with every problem of every line: photos that are missing, unreadable or listed twice, scores out of
            range, impossible counts, near-duplicates in two splits.
        TrainingError: there is no listing to read, or nothing in it.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    for listing in find_listings(data, lamem_split):
        rows, unread = read_listing(listing)
        folder = listing.parent
        found, faulty = to_examples(rows, (folder, folder / "images", folder.parent / "images"))
        examples += found
        problems += unread + faulty
    checked, unreadable = _look_at(examples, limits or ImageLimits(), on_photo)
    problems += unreadable + _split_faults(checked)
    if not examples and not problems:
        raise TrainingError(f"{data} lists no photos")
    if problems:
        raise DataError(sorted(problems, key=lambda problem: (str(problem.line.file), problem.line.number)))
    return Dataset(data.stem if data.is_file() else data.resolve().name, tuple(checked))


def _look_at(
    examples: Sequence[Example], limits: ImageLimits, on_photo: OnPhoto
) -> tuple[list[Example], list[Problem]]:
    """Decodes every photo: examples that know their near-duplicates, and problems of those that give no picture."""
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        on_photo(done, len(examples))

    readable: list[tuple[Example, Look]] = []
    problems = []
    for example, look in zip(examples, inspect([e.path for e in examples], limits, advance), strict=True):
        if isinstance(look, Look):
            readable.append((example, look))
        else:
            problems.append(Problem(example.line, look))
    groups = group_duplicates([look for _, look in readable], MAX_DUPLICATE_BITS)
    checked = [
        replace(example, sha256=look.sha256, duplicates=group)
        for (example, look), group in zip(readable, groups, strict=True)
    ]
    return checked, problems


def _split_faults(examples: Sequence[Example]) -> list[Problem]:
    """A problem for every photo whose first near-duplicate is in another split."""
    first: dict[int, Example] = {}
    faults = []
    for example in examples:
        other = first.setdefault(example.duplicates, example)
        if example.split != other.split:
            faults.append(
                Problem(
                    example.line,
                    f"{example.name} (split {example.split or 'open'}) looks like {other.name} "
                    f"(split {other.split or 'open'}, {other.line}): near-duplicates must share a split",
                )
            )
    return faults
