"""What a distillation may choose."""

from dataclasses import dataclass

from training.errors import TrainingError

MINIMUM_PHOTOS = 50


@dataclass(frozen=True)
class DistilSettings:
    """Settings of a distillation.

    Attributes:
        crops: parts of each photo that the teacher scores as well, and the student learns as photos of their own.
        epochs: how often each photo is seen; 0 fits the score alone, on the features that the student began with.
        batch: photos in one update of the parameters.
        learning_rate: of Adam (Kingma and Ba 2015, arXiv 1412.6980), at its peak.
        warmup_share: share of the updates during which the learning rate rises to its peak.
        first_stage: of the student that is trained; those before it keep their ImageNet weights, whose edges and
            colours serve any task, and which take the most time for the fewest parameters.
        components: principal components of the teacher's features that the student learns beside the score. A score
            says one thing of a photo, they say a hundred.
        features_weight: of their error beside that of the score; both errors are shares of what there is to explain.
        held_out_share: of the photos, which the student is measured on at the end and which nothing else sees.
        validation_share: of the photos, which choose the penalty of the first fit and the epoch that is kept.
        seed: of everything that is drawn.
    """

    crops: int = 1
    epochs: int = 3
    batch: int = 16
    learning_rate: float = 2e-4
    warmup_share: float = 0.05
    first_stage: int = 3
    components: int = 128
    features_weight: float = 1.0
    held_out_share: float = 0.2
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuses what cannot be trained with."""
        shares = {"held-out share": self.held_out_share, "validation share": self.validation_share}
        if wrong := [f"{name} {value}" for name, value in shares.items() if not 0 < value <= 0.5]:
            raise TrainingError(f"{', '.join(wrong)}: must be above 0 and at most 0.5")
        if self.learning_rate <= 0 or self.batch < 1 or min(self.epochs, self.crops) < 0:
            raise TrainingError("learning rate and batch must be above 0, epochs and crops at least 0")
