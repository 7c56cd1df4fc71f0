"""What a cold start does before all else; importing this module does it.

The other imports take a third of a cold start, on one core. Meanwhile the ensemble's files are read and hashed, and no
garbage is looked for: imports make none, and looking takes a twelfth of their time.
"""

import gc
import os
from pathlib import Path

from model_store import head_start

gc.disable()
head_start.begin(Path(os.environ.get("MEMORABILITY_STORE", "")), os.environ.get("MEMORABILITY_DEFAULT_ALIAS", "live"))


def is_over() -> None:
    """Garbage is looked for again, but not among what was imported: that lives as long as the process."""
    gc.freeze()
    gc.enable()
