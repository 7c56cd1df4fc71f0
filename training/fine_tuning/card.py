"""The model card of a fine-tuned network."""

from model_store.store import ModelDescription
from training.card import TABLE_HEAD, figures_row, groups_section, terms_section, use_section
from training.epochs import Epoch, best_epoch
from training.runs import RunRecord


def network_card(record: RunRecord, description: ModelDescription, epochs: tuple[Epoch, ...]) -> str:
    """The card in Markdown.

    Args:
        record: of the run.
        description: of the network.
        epochs: of the training that it came from, the beginning first.
    """
    sections = [
        _summary(record, description),
        _measured(record, description),
        groups_section(record),
        _training(record, description, epochs),
        terms_section(description),
        use_section(record),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _summary(record: RunRecord, description: ModelDescription) -> str:
    return (
        f"# {record.name}\n\n"
        f"Predicts the {description.measure.replace('_', ' ')} of a photo: {description.fine_tuned_from}, all of it "
        f"trained further on {record.n_photos:,} photos of “{record.dataset}”, {record.finished_at:%d %B %Y}. One "
        "network gives one score and no spread."
    )


def _measured(record: RunRecord, description: ModelDescription) -> str:
    figures = [record.cross_validation, *([record.test] if record.test else [])]
    named = zip(description.performance, figures, strict=True)
    rows = [TABLE_HEAD.format("on"), *(figures_row(measured.dataset, found) for measured, found in named)]
    notes = [_how(record)]
    notes += [f"{trunk} as published reaches {found:.3f} on these." for trunk, found in record.trunk_spearman.items()]
    if record.ceiling:
        notes.append(f"People agree with each other at {record.ceiling.split_half:.3f} ({record.ceiling.n:,} photos).")
    return "## Measured\n\n" + "\n".join(rows) + "\n\n" + " ".join(notes) + "\n\n![Predictions](scatter.png)"


def _how(record: RunRecord) -> str:
    folds = record.settings["folds"]
    if folds == 1:
        measured = (
            f"One training: the published network is the one that was measured, on {record.cross_validation.n:,} "
            "photos that it never saw."
        )
    else:
        measured = (
            f"{folds} trainings, each measured on the photos that it did not see; the published network was then "
            "trained in the same way on all of them."
        )
    return (
        f"{measured} In each training, when to stop was decided on photos that it neither trained nor was measured on. "
        "Near-duplicates were always on the same side."
    )


def _training(record: RunRecord, description: ModelDescription, epochs: tuple[Epoch, ...]) -> str:
    return (
        "## Training\n\n"
        f"Data: {description.training_data}. {record.n_near_duplicates} photos look like an earlier one.\n\n"
        f"Settings: {', '.join(f'{name} {value}' for name, value in record.settings.items())}.\n\n"
        f"{_kept(description, epochs)}\n\n"
        f"It took {', '.join(f'{seconds:.0f} s for {step}' for step, seconds in record.seconds.items())}; what a run "
        "had done before it was cut off is not counted.\n\n"
        "![Training](training.png)"
    )


def _kept(description: ModelDescription, epochs: tuple[Epoch, ...]) -> str:
    best, trained = best_epoch(epochs), len(epochs) - 1
    if best == 0:
        return (
            f"**None of {trained} epochs made it better than {description.fine_tuned_from}, which this network "
            "therefore still is**: on the photos that decide when to stop, its error was the lowest before the first "
            "epoch. Lower learning rates or more photos may help."
        )
    return f"The network is that of epoch {best} of {trained}; epoch 0 is {description.fine_tuned_from} as published."
