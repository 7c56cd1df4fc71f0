"""Where everything lies on the volume."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_store.store.references import Ref

MANIFEST_FILE = "manifest.json"
PARAMETERS_FILE = "params.safetensors"
COMPILED_FOLDER = "compiled"
LOCK_FILE = ".lock"


@dataclass(frozen=True)
class StoreLayout:
    """The paths of a store whose root folder is `root`."""

    root: Path

    @property
    def models(self) -> Path:
        """The folder that holds a folder for each model."""
        return self.root / "models"

    @property
    def ensembles(self) -> Path:
        """The folder that holds a folder for each ensemble."""
        return self.root / "ensembles"

    @property
    def aliases(self) -> Path:
        """The folder that holds a file for each alias."""
        return self.root / "aliases"

    def model_version(self, ref: Ref) -> Path:
        """The folder of one model version."""
        return self.models / ref.name / str(ref.version)

    @classmethod
    def around(cls, folder: Path) -> Self:
        """The store that a version's folder lies in, or a draft of one."""
        return cls(folder.parents[2])

    def ensemble_version(self, ref: Ref) -> Path:
        """The file of one ensemble version."""
        return self.ensembles / ref.name / f"{ref.version}.json"


def folder_names(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones; none if it does not exist."""
    return [entry.name for entry in _visible_entries(folder) if entry.is_dir()]


def file_names(folder: Path) -> list[str]:
    """Return the names of the files in a folder, sorted, without hidden ones; none if it does not exist."""
    return [entry.name for entry in _visible_entries(folder) if entry.is_file()]


def _visible_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:  # tells files from folders without a request for each
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except FileNotFoundError:
        return []
    return sorted(visible, key=lambda entry: entry.name)
