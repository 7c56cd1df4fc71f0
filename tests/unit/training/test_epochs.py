"""Which epoch is kept, and what is drawn of all of them."""

from training.epochs import Epoch, best_epoch, curves

EPOCHS = (Epoch(None, 0.9, 0.1), Epoch(0.8, 0.4, 0.5), Epoch(0.5, 0.4, 0.5), Epoch(0.3, 0.6, 0.4))


def test_the_first_epoch_with_the_lowest_validation_error_is_kept() -> None:
    assert best_epoch(EPOCHS) == 1


def test_the_beginning_is_drawn_where_it_was_judged() -> None:
    assert curves(EPOCHS) == ([0.8, 0.5, 0.3], [0.9, 0.4, 0.4, 0.6])
