"""Deployments that the command can reach: a JSON file each, written by `make deploy` and `make local-up`."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_store.errors import MemorabilityError

Text = Annotated[str, Field(min_length=1)]


class DeploymentFileError(MemorabilityError):
    """A deployment file that is missing or incomplete; the message lists all that is wrong with it."""


class Deployment(BaseModel):
    """Where a deployment is; its file may say more, for other clients.

    Attributes:
        endpoint_url: of all its services, None for AWS itself.
        region: for example `eu-central-1`.
        uploads_bucket: bucket that photos are uploaded to.
        results_table: table that records are kept in.
        artefacts_bucket: bucket that models are published through; None in the files of earlier releases.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    endpoint_url: Text | None = None
    region: Text
    uploads_bucket: Text
    results_table: Text
    artefacts_bucket: Text | None = None

    def require_artefacts_bucket(self) -> str:
        """Name of the artefacts bucket.

        Raises:
            DeploymentFileError: the file was written by an earlier release.
        """
        if self.artefacts_bucket is None:
            raise DeploymentFileError(
                "The deployment file names no artefacts_bucket to publish models through: `make deploy` or `make "
                "local-up` writes it anew."
            )
        return self.artefacts_bucket

    @property
    def is_local(self) -> bool:
        """Whether it is an emulator on this machine."""
        host = urlsplit(self.endpoint_url or "").hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


def read_deployment(file: Path) -> Deployment:
    """Reads a deployment file.

    Raises:
        DeploymentFileError: it cannot be read, is no JSON, or lacks something.
    """
    try:
        return Deployment.model_validate_json(file.read_bytes())
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    except ValidationError as error:
        faults = (": ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in error.errors(include_url=False))
        fault = f"is no deployment file ({'; '.join(faults)})"
    raise DeploymentFileError(
        f"{file} {fault}; `make deploy` writes build/deployment.json, `make local-up` build/local.json."
    )
