"""Is what lies in a version's folder what was published?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model_store.store.errors import CorruptModelError
from model_store.store.hashing import Progress, sha256_file
from model_store.store.layout import COMPILED_FOLDER, MANIFEST_FILE
from model_store.store.manifest import FileDigest, Manifest


@dataclass(frozen=True)
class FolderContent:
    """The files of a version's folder that its manifest answers for, and the paths that must not be there."""

    files: Mapping[str, Path]
    forbidden: tuple[str, ...]


def scan(folder: Path) -> FolderContent:
    """List a version's folder by relative path; links and special files are forbidden in it.

    Not listed are the manifest itself, `compiled/`, which has its own index, and hidden files, which nothing
    ever reads and which file managers and NFS make by themselves.
    """
    files: dict[str, Path] = {}
    forbidden: list[str] = []
    for parent, folders, names in folder.walk():
        folders[:] = [name for name in _visible(folders) if parent / name != folder / COMPILED_FOLDER]
        for path in (parent / name for name in _visible(names)):
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_file():
                forbidden.append(relative)
            elif relative != MANIFEST_FILE:
                files[relative] = path
    return FolderContent(files, tuple(forbidden))


def _visible(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith("."))


def digest_files(folder: Path, progress: Progress | None = None) -> dict[str, FileDigest]:
    """Return size and SHA-256 of every file of a version's folder.

    Raises:
        CorruptModelError: the folder holds a link or a special file.
    """
    content = scan(folder)
    if content.forbidden:
        raise CorruptModelError(
            f"A model version holds plain files only: remove {', '.join(content.forbidden)} from {folder}."
        )
    return {
        name: FileDigest(sha256=sha256_file(path, progress), bytes=path.stat().st_size)
        for name, path in content.files.items()
    }


def find_problems(folder: Path, manifest: Manifest, progress: Progress | None = None) -> list[str]:
    """Compare a version's folder with its manifest; one clause for each file that is not as published."""
    content = scan(folder)
    problems = [f"{name} is a link or a special file" for name in content.forbidden]
    problems += [f"{name} is unexpected" for name in content.files if name not in manifest.files]
    for name, published in manifest.files.items():
        if name in content.files:
            problems += _file_problems(name, content.files[name], published, progress)
        elif name not in content.forbidden:
            problems.append(f"{name} is missing")
    return problems


def _file_problems(name: str, path: Path, published: FileDigest, progress: Progress | None) -> list[str]:
    size = path.stat().st_size
    if size != published.bytes:
        return [f"{name} has {size:,} bytes and not the {published.bytes:,} that were published"]
    digest = sha256_file(path, progress)
    if digest != published.sha256:
        return [f"{name} has the SHA-256 {digest} and not the {published.sha256} that was published"]
    return []
