"""Checkpoints of one training on disk, by Orbax: a kill costs what was computed since the last one."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import jax
import orbax.checkpoint as ocp

logger = logging.getLogger(__name__)

# Where checkpoints are copied elsewhere while they are written, the newest copy may lack files.
_KEPT = 2


class Checkpoints:
    """The checkpoints of a training; a context manager.

    Args:
        folder: is made; nothing else lies in it.
    """

    def __init__(self, folder: Path) -> None:
        options = ocp.CheckpointManagerOptions(max_to_keep=_KEPT, enable_async_checkpointing=False)
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends Orbax's threads."""
        self._manager.close()

    def save(self, step: int, arrays: Any, progress: dict[str, Any]) -> None:
        """Keeps the arrays of a step, and what else is to be known, as JSON."""
        kept = ocp.args.Composite(arrays=ocp.args.StandardSave(arrays), progress=ocp.args.JsonSave(progress))
        self._manager.save(step, args=kept, force=True)

    def restore(self, like: Any) -> tuple[Any, dict[str, Any]] | None:
        """The newest whole checkpoint, None where there is none.

        Args:
            like: shapes and dtypes, nested as the arrays that were saved.
        """
        here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
        abstract = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=here), like)
        asked = ocp.args.Composite(arrays=ocp.args.StandardRestore(abstract), progress=ocp.args.JsonRestore())
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                found = self._manager.restore(step, args=asked)
            except (OSError, ValueError, KeyError) as error:
                logger.warning("checkpoint %d is dropped, it cannot be read: %s", step, error)
                self._manager.delete(step)  # or the step could never be saved again
            else:
                return found.arrays, found.progress
        return None
