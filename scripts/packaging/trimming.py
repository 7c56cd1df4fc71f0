"""Takes out of installed packages what neither functions nor workers import."""

import gzip
import json
import shutil
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from scripts.packaging.architecture import Architecture
from scripts.packaging.tools import run

# Names of folders and files, wherever they lie.
_UNUSED = (
    "__pycache__",  # compiled anew, see bytecode.py
    "tests",
    "*.pyi",
    "py.typed",
    "*.pxd",
    "*.pyx",
    "*.h",
    "*.hpp",
    "*.a",
    "*.cmake",
)
# Paths from the top; a distribution keeps its metadata, which is looked up by name, and its licence.
_UNUSED_PATHS = (
    "bin",
    "*.dist-info/RECORD",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/WHEEL",
    "*.dist-info/sboms",
    "*.dist-info/top_level.txt",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui",
    "dateutil/zoneinfo/*.tar.gz",  # where a system has no time zones
    "jaxlib/include",
    "numpy/f2py",
)
# The services that functions call; botocore describes four hundred. For a client it parses what it knows of its service
# and the table of all endpoints: 0.05 s of a cold start, more than half of it for texts that nobody there reads.
AWS_SERVICES = frozenset({"dynamodb", "s3", "sqs", "sts"})
# NVIDIA's libraries hold no symbols to strip, and some load parts of themselves by their place in the file.
_UNSTRIPPED = "nvidia"
_ELF = b"\x7fELF"


def trim(folder: Path, services: Collection[str] = AWS_SERVICES) -> None:
    """Removes tests, type stubs, headers and AWS services that are not called.

    Args:
        folder: installed packages.
        services: those that are called, as botocore names them.
    """
    for path in [*_matching(folder), *_uncalled_services(folder, services)]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for model in folder.glob("botocore/data/*/*/service-2.json.gz"):
        slim = json.dumps(_without_texts(json.loads(gzip.decompress(model.read_bytes()))), separators=(",", ":"))
        model.write_bytes(gzip.compress(slim.encode(), mtime=0))
    for endpoints in folder.glob("botocore/data/endpoints.json"):
        endpoints.write_text(
            json.dumps(_of_called_services(json.loads(endpoints.read_text()), services), separators=(",", ":"))
        )


def _matching(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if _is_any(path.name, _UNUSED) or _is_any(relative, _UNUSED_PATHS):
            yield path


def _is_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def _uncalled_services(folder: Path, services: Collection[str]) -> Iterator[Path]:
    for data in (folder / "botocore/data", folder / "boto3/data"):
        if data.is_dir():
            yield from (path for path in data.iterdir() if path.is_dir() and path.name not in services)


def _without_texts(model: Any) -> Any:
    """A service's description with nothing in the documentation of its shapes, operations and parameters."""
    if isinstance(model, list):
        return [_without_texts(item) for item in model]
    if not isinstance(model, dict):
        return model
    return {
        key: "" if key == "documentation" and isinstance(value, str) else _without_texts(value)
        for key, value in model.items()
    }


def _of_called_services(table: dict[str, Any], services: Collection[str]) -> dict[str, Any]:
    """The table of endpoints with the called services alone in every partition."""
    for partition in table["partitions"]:
        partition["services"] = {name: service for name, service in partition["services"].items() if name in services}
    return table


def strip_shared_objects(folder: Path, architecture: Architecture) -> None:
    """Removes symbols and debugging information that the dynamic linker does not need.

    Raises:
        PackagingError: there is no `strip` for this architecture, or it fails.
    """
    found = (path for path in sorted(folder.rglob("*.so*")) if path.relative_to(folder).parts[0] != _UNSTRIPPED)
    objects = [path for path in found if _is_elf(path)]
    strip = architecture.find_strip() if objects else ""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda path: run([strip, "--strip-unneeded", path]), objects))


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_ELF)) == _ELF
