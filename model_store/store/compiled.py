"""Executables beside a version's parameters: `compiled/{target}/` holds them and an index of their digests.

They are not part of what a manifest promises, since another jaxlib or CPU adds its own; their index answers for them.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from model_store.store.hashing import sha256_file
from model_store.store.layout import COMPILED_FOLDER, folder_names

INDEX_FILE = "index.json"


class ExecutableIndex(BaseModel):
    """What lies in one target's folder.

    Attributes:
        requires: CPU flags, as /proc/cpuinfo names them, that a host must have.
        sha256: digest by executable name (`prepare-1`, `score-1`, …).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requires: frozenset[str]
    sha256: Mapping[str, str]


def find_target_problems(place: Path) -> list[str]:
    """Compare a target's folder with its index; one clause for each file that is not as it was compiled."""
    try:
        index = ExecutableIndex.model_validate_json((place / INDEX_FILE).read_bytes())
        digests = {name: sha256_file(place / name) for name in index.sha256}
    except (OSError, ValidationError) as error:
        return [f"{COMPILED_FOLDER}/{place.name} cannot be read ({type(error).__name__})"]
    return [
        f"{COMPILED_FOLDER}/{place.name}/{name} was altered"
        for name, digest in digests.items()
        if digest != index.sha256[name]
    ]


def find_compiled_problems(folder: Path) -> list[str]:
    """The same for all targets of a version's folder."""
    compiled = folder / COMPILED_FOLDER
    return [problem for target in folder_names(compiled) for problem in find_target_problems(compiled / target)]
