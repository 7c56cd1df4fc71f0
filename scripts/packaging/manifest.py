"""What Terraform and the installers of bundles read: every package by its name, beside the packages themselves."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.packaging.dependencies import ROOT

MANIFEST_FILE = "manifest.json"

type Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Manifest:
    """The manifest of a folder of packages; there need not be one yet."""

    folder: Path

    def entries(self) -> dict[str, Entry]:
        """Every package whose archive is there."""
        try:
            found: dict[str, Entry] = json.loads((self.folder / MANIFEST_FILE).read_text())
        except FileNotFoundError:
            return {}
        return {name: entry for name, entry in found.items() if (self.folder / _archive(entry)).is_file()}

    def replace(self, entries: Mapping[str, Entry], keep: str) -> None:
        """Writes new entries in place of all others but one, and removes the archives that none of them names."""
        self._write({name: entry for name, entry in self.entries().items() if name == keep} | dict(entries))

    def add(self, name: str, entry: Entry) -> None:
        """Writes one entry beside the others, and removes the archives that none of them names."""
        self._write(self.entries() | {name: entry})

    def _write(self, entries: Mapping[str, Entry]) -> None:
        (self.folder / MANIFEST_FILE).write_text(json.dumps(entries, indent=2) + "\n")
        named = {MANIFEST_FILE, *map(_archive, entries.values())}
        for path in self.folder.iterdir():
            if path.name not in named and path.is_file():
                path.unlink()


def bundle_entry(archive: Path, digest: str, unpacked: int) -> Entry:
    """The entry of a bundle, which is installed on the volume by its digest."""
    return {"digest": digest, "path": path_from_root(archive), "bytes_unpacked": unpacked}


def path_from_root(path: Path) -> str:
    """A path from the repository's root where it is inside it, else the whole path."""
    absolute = path.resolve()
    return str(absolute.relative_to(ROOT) if absolute.is_relative_to(ROOT) else absolute)


def _archive(entry: Entry) -> str:
    """Name of an entry's archive, which lies beside the manifest wherever the build was."""
    return Path(entry["path"]).name
