"""The model card: what a person should know before using a trained model."""

from model_store.store import ModelDescription
from training.runs import Figures, RunRecord

TABLE_HEAD = "| {} | photos | Spearman | 95 % interval | Pearson | mean squared error |\n|---|---|---|---|---|---|"


def model_card(record: RunRecord, description: ModelDescription) -> str:
    """The card in Markdown."""
    sections = [
        _summary(record, description),
        _measured(record),
        _spread(record.cross_validation),
        groups_section(record),
        _data(record, description),
        terms_section(description),
        use_section(record),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _summary(record: RunRecord, description: ModelDescription) -> str:
    heads = description.architecture_settings.get("heads")
    return (
        f"# {record.name}\n\n"
        f"Predicts the {description.measure.replace('_', ' ')} of a photo: {heads} heads on the features of "
        f"{' and '.join(record.trunks)}, trained on {record.n_photos:,} photos of “{record.dataset}”, "
        f"{record.finished_at:%d %B %Y}."
    )


def _measured(record: RunRecord) -> str:
    rows = [TABLE_HEAD.format("on")]
    folds = record.settings.get("folds")
    rows.append(figures_row(f"{record.dataset}, {folds}-fold cross-validation", record.cross_validation))
    if record.test:
        rows.append(figures_row(f"{record.dataset}, its test split", record.test))
    notes = [
        "Every figure is of photos that the measured heads did not see. Penalty and calibration were chosen inside "
        "each fold, on other photos than it was measured on; near-duplicates were always in the same fold."
    ]
    notes += [f"{trunk} alone reaches {found:.3f} on these photos." for trunk, found in record.trunk_spearman.items()]
    if record.ceiling:
        notes.append(
            f"People agree with each other at {record.ceiling.split_half:.3f} (two halves, {record.ceiling.n:,} "
            f"photos); a perfect model would reach {record.ceiling.ceiling:.3f}."
        )
    return "## Measured\n\n" + "\n".join(rows) + "\n\n" + " ".join(notes) + "\n\n![Predictions](scatter.png)"


def figures_row(name: str, figures: Figures) -> str:
    """A line of the table whose head is `TABLE_HEAD`."""
    low, high = figures.ci95
    return (
        f"| {name} | {figures.n:,} | {figures.spearman:.3f} | {low:.3f} to {high:.3f} | {figures.pearson:.3f} "
        f"| {figures.mse:.4f} |"
    )


def _spread(figures: Figures) -> str:
    if figures.spread_error_correlation is None or figures.interval_coverage is None:
        return ""
    return (
        "## What the spread says\n\n"
        "The heads' spread is scaled to the error that photos like this one had on held-out folds. Its rank "
        f"correlation with the error is {figures.spread_error_correlation:.2f}; intervals meant to hold "
        f"{figures.interval_intended:.0%} of people's scores hold {figures.interval_coverage:.1%}.\n\n"
        "![Spread](spread.png)"
    )


def groups_section(record: RunRecord) -> str:
    """Figures by group; empty where there are none."""
    if not record.by_group:
        return ""
    rows = [TABLE_HEAD.format("group"), *(figures_row(name, found) for name, found in record.by_group.items())]
    return "## By group\n\n" + "\n".join(rows)


def _data(record: RunRecord, description: ModelDescription) -> str:
    return (
        "## Training\n\n"
        f"Data: {description.training_data}. {record.n_near_duplicates} photos look like an earlier one.\n\n"
        f"Settings: {', '.join(f'{name} {value}' for name, value in record.settings.items())}.\n\n"
        f"It took {', '.join(f'{seconds:.0f} s for {step}' for step, seconds in record.seconds.items())}.\n\n"
        "![Learning curve](learning_curve.png) ![Penalties](penalties.png)"
    )


def terms_section(description: ModelDescription) -> str:
    """Terms, and whom to cite."""
    licence = description.licence
    use = "Commercial use is allowed." if licence.commercial_use else "**Non-commercial use only.**"
    return f"## Terms\n\n{licence.name}. {use} {licence.text or ''}\n\nCite: {description.citation}"


def use_section(record: RunRecord) -> str:
    """What the figures do not say."""
    return (
        "## Before you use it\n\n"
        f"The figures hold for photos like those of “{record.dataset}”. On other kinds of pictures measure it first: "
        f"`memorability evaluate {record.name} DATA`. Scores rank photos; they are not the share of people who will "
        "remember one."
    )
