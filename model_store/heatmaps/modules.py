"""What attribution asks of an architecture; plain modules and those that are served both have it."""

from collections.abc import Mapping
from typing import Any, Protocol

type Params = Mapping[str, Any]
"""Nested parameters of a module."""

type Features = Any
"""A tree of what a module marks for heatmaps, by `model_store.models.layers.explained`."""


class Module(Protocol):
    """A Flax module has it, and it can be hashed."""

    def apply(self, variables: Mapping[str, Any], images: Any, mutable: Any = False) -> Any:
        """Scores of pictures, and with `mutable` collections what the modules said in these."""
