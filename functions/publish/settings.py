"""What the publisher has to know before there are any dependencies; only the standard library reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_store.errors import MemorabilityError

_VARIABLES = ("MEMORABILITY_STORE", "MEMORABILITY_ARTEFACTS_BUCKET", "MEMORABILITY_KEEP_VERSIONS")


class BundleSettingsError(MemorabilityError):
    """Environment variables that are missing or invalid; the message lists all of them."""


@dataclass(frozen=True)
class BundleSettings:
    """Settings for installing bundles.

    Attributes:
        runtime: the folder of all bundles.
        artefacts_bucket: where they are uploaded to.
        keep: how many bundles stay in any case.
        in_use: digests of the bundles that this function itself runs with.
    """

    runtime: Path
    artefacts_bucket: str
    keep: int
    in_use: frozenset[str]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Reads the settings.

        Raises:
            BundleSettingsError: variables are missing or invalid.
        """
        store, bucket, keep = (environment.get(name, "") for name in _VARIABLES)
        faults = [f"{name} is not set" for name in _VARIABLES if not environment.get(name)]
        if keep and not (keep.isdecimal() and int(keep)):
            faults.append(f"MEMORABILITY_KEEP_VERSIONS is {keep!r} and not a number above 0")
        if faults:
            raise BundleSettingsError(f"The environment does not fit this function: {'; '.join(faults)}.")
        paths = environment.get("PYTHONPATH", "").split(":")
        return cls(Path(store) / "runtime", bucket, int(keep), frozenset(Path(path).name for path in paths))
