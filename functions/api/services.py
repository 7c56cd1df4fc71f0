"""The logic behind the routes."""

from dataclasses import dataclass

from functions.api.batches import Batches
from functions.api.catalogue import Catalogue
from functions.api.heatmaps import Heatmaps
from functions.api.photos import Photos


@dataclass(frozen=True)
class Services:
    """One for each kind of thing that routes are about."""

    batches: Batches
    photos: Photos
    heatmaps: Heatmaps
    catalogue: Catalogue
