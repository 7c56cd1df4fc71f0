"""`memorability upload` and `memorability results`: a batch of photos, scored by a deployment."""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memorability.commands.score import print_licence, print_ranking
from memorability.console import err, out, photo_progress
from memorability.options import JsonOption

if TYPE_CHECKING:
    from memorability.batches import Outcome, RecordTable, Uploaded
    from model_store.items import PhotoRecord
    from model_store.uploads import BatchKey

UPLOAD_EPILOG = """Examples:

  memorability upload photos/ --deployment build/deployment.json

  memorability upload a.jpg --batch spring --deployment build/local.json
"""
RESULTS_EPILOG = """Example:

  memorability results spring --deployment build/local.json --json
"""

_NAMED_AT_MOST = 10

DeploymentOption = Annotated[
    Path,
    typer.Option(
        "--deployment",
        metavar="FILE.json",
        envvar="MEMORABILITY_DEPLOYMENT",
        help="Where the deployment is; `make deploy` and `make local-up` write it.",
    ),
]
TenantOption = Annotated[str, typer.Option(help="Whose the batch is.")]


def upload(
    paths: Annotated[list[Path], typer.Argument(exists=True, metavar="PATH", help="Photos, or folders of photos.")],
    deployment: DeploymentOption,
    tenant: TenantOption = "default",
    batch: Annotated[
        str | None, typer.Option(show_default="a new one", help="Name of the batch; one that exists is added to.")
    ] = None,
    json: JsonOption = False,
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long to wait while no new record comes.")
    ] = 180,
) -> None:
    """Upload photos to a deployment, wait until it has scored them, and rank them.

    Prints what `memorability score` prints. Exits with 1 if any photo could not be scored or has no record in time.
    """
    from memorability.aws.account import ResultsTable, UploadsBucket
    from memorability.batches import batch_key, name_photos, new_batch_name, outcomes, upload_photos
    from memorability.deployments import read_deployment
    from memorability.paths import find_files

    where = read_deployment(deployment)
    key = batch_key(tenant, batch or new_batch_name(datetime.now(UTC)))
    photos = name_photos(find_files(paths))
    start = time.perf_counter()
    with photo_progress(len(photos), "Uploading") as progress:
        uploaded = upload_photos(UploadsBucket(where), key, photos, lambda: progress.advance(progress.task_ids[0]))
    took = f"{time.perf_counter() - start:.1f} s"
    err.print(f"{len(uploaded.versions)} of {len(photos)} photos uploaded in {took}, batch {key.batch}", markup=False)
    found = _await(ResultsTable(where), key, uploaded, timeout)
    ready = outcomes(photos, uploaded, found)
    _report(ready, json=json)
    err.print(f"{_count_scored(ready)} of {len(photos)} photos scored in {time.perf_counter() - start:.1f} s")
    missing = [str(photos[name]) for name in uploaded.versions if name not in found]
    if missing:
        _tell_missing(missing, key, deployment, timeout)
    if missing or _has_failed(ready):
        raise typer.Exit(1)


def results(
    batch: Annotated[str, typer.Argument(help="Name of the batch.")],
    deployment: DeploymentOption,
    tenant: TenantOption = "default",
    json: JsonOption = False,
) -> None:
    """Show the records of a batch that was uploaded earlier.

    Prints what `memorability score` prints. Exits with 1 if any photo could not be scored, or there is no record.
    """
    from memorability.aws.account import ResultsTable
    from memorability.batches import BatchError, Outcome, batch_key
    from memorability.deployments import read_deployment

    where = read_deployment(deployment)
    found = ResultsTable(where).records(batch_key(tenant, batch))
    if not found:
        raise BatchError(
            f"{where.results_table} has no record of a batch {batch!r} of tenant {tenant!r}: it has not been scored, "
            "was deleted by its age, or has another name"
        )
    ready = [Outcome(kept.record, kept.ensemble) for kept in found]
    _report(ready, json=json)
    if _has_failed(ready):
        raise typer.Exit(1)


def _await(
    table: "RecordTable", batch: "BatchKey", uploaded: "Uploaded", patience_seconds: float
) -> "Mapping[str, Sequence[PhotoRecord]]":
    from memorability.batches import await_records

    with photo_progress(len(uploaded.versions)) as progress:
        return await_records(
            table,
            batch,
            uploaded.versions,
            patience_seconds,
            lambda done: progress.update(progress.task_ids[0], completed=done),
        )


def _report(ready: Iterable["Outcome"], *, json: bool) -> None:
    """Prints records as `memorability score` does, with a ranking of its own for each ensemble."""
    ready = list(ready)
    if json:
        sys.stdout.writelines(f"{outcome.record.to_json()}\n" for outcome in ready)
        return
    ensembles = sorted({outcome.ensemble for outcome in ready if outcome.ensemble})
    for ensemble in ensembles:
        if len(ensembles) > 1:
            out.print(f"[bold]{ensemble}[/]")
        print_ranking([outcome.record for outcome in ready if outcome.ensemble in {ensemble, None}])
    if not ensembles:
        print_ranking([outcome.record for outcome in ready])
    _print_licences(ready)


def _print_licences(ready: Iterable["Outcome"]) -> None:
    """Names the licences of published models; those of a team's own models are its own."""
    from model_store.importing.published import published_model
    from model_store.models.registry import architectures

    scored = (outcome.record for outcome in ready if outcome.record.status == "scored")
    refs = {score.model for record in scored for result in record.measures.values() for score in result.models}
    for model in map(published_model, architectures()):
        if (ref := f"{model.name}@{model.version}") in refs:
            print_licence(ref, model.licence)


def _count_scored(ready: Iterable["Outcome"]) -> int:
    return len({outcome.record.file for outcome in ready if outcome.record.status == "scored"})


def _has_failed(ready: Iterable["Outcome"]) -> bool:
    return any(outcome.record.status == "failed" for outcome in ready)


def _tell_missing(missing: Sequence[str], batch: "BatchKey", deployment: Path, timeout: float) -> None:
    more = f" and {len(missing) - _NAMED_AT_MOST} more" if len(missing) > _NAMED_AT_MOST else ""
    err.print("[red]Error:[/] ", end="")
    err.print(
        f"no record came for {timeout:g} s, and {len(missing)} photos have none: {', '.join(missing[:_NAMED_AT_MOST])}"
        f"{more}. `memorability results {batch.batch} --tenant {batch.tenant} --deployment {deployment}` shows what "
        "comes later; the scorer's log and its failure queue say what is wrong.",
        markup=False,
    )
