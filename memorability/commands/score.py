"""`memorability score`: photos in, ranked records out."""

import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memorability.console import err, out, photo_progress
from memorability.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from model_store.images import ImageLimits
    from model_store.records import FailedRecord, ScoredRecord
    from model_store.runtime.ensembles import EnsembleSpec
    from model_store.runtime.scoring import OnImage, Photo, Scorer
    from model_store.store.manifest import Licence

    type AnyRecord = ScoredRecord | FailedRecord

EPILOG = """Examples:

  memorability score photos/

  memorability score a.jpg b.heic --model resmem --json | jq .measures

  memorability score campaign/ --report ranking.html
"""


def score(
    paths: Annotated[list[Path], typer.Argument(exists=True, metavar="PATH", help="Photos, or folders of photos.")],
    store: StoreOption,
    model: Annotated[str | None, typer.Option(metavar="REF", help="Score with this model alone.")] = None,
    ensemble: Annotated[
        str | None, typer.Option(metavar="REF", show_default="live", help="Score with this ensemble or alias.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", dir_okay=False, help="Also write the ranking as a page."),
    ] = None,
    json: JsonOption = False,
    max_megabytes: Annotated[float, typer.Option(help="Largest file that is read, in MB of 1,000,000 bytes.")] = 25,
    max_megapixels: Annotated[float, typer.Option(help="Largest image that is decoded.")] = 50,
) -> None:
    """Score photos by how likely people are to remember them, and rank them.

    Prints a ranking, or with --json one record a line. Exits with 1 if any photo could not be scored.
    """
    from memorability.paths import find_photos
    from model_store.runtime.ensembles import EnsembleSpec
    from model_store.runtime.scoring import Scorer
    from model_store.store import ModelStore

    if model and ensemble:
        raise typer.BadParameter("give --model or --ensemble, not both")
    limits = _limits(max_megabytes, max_megapixels)
    models = ModelStore(store)
    spec = EnsembleSpec.of_model(models, model) if model else EnsembleSpec.of_ensemble(models, ensemble or "live")
    thumbnails: dict[str, bytes] = {}
    scorer = Scorer(spec, limits, on_image=_keep_thumbnails(thumbnails) if report else None)
    photos = find_photos(paths, limits)
    records = _score(scorer, photos, print_each=json)
    if not json:
        print_ranking(records)
        print_licences(spec)
    if report:
        pictures = [thumbnails.get(photo.name) for photo in photos]
        _write_report(report, records, pictures, spec)
    if any(record.status == "failed" for record in records):
        raise typer.Exit(1)


def _limits(max_megabytes: float, max_megapixels: float) -> "ImageLimits":
    from model_store.images import ImageLimits

    try:
        return ImageLimits(round(max_megabytes * 1e6), round(max_megapixels * 1e6))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from error


def _score(scorer: "Scorer", photos: list["Photo"], *, print_each: bool) -> list["AnyRecord"]:
    """Scores all photos; for a program, prints each record as soon as it is there."""
    start = time.perf_counter()
    records: list[AnyRecord] = []
    with photo_progress(len(photos)) as progress:
        for record in scorer.score(photos):
            records.append(record)
            progress.advance(progress.task_ids[0])
            if print_each:
                sys.stdout.write(record.to_json() + "\n")
                sys.stdout.flush()
    scored = sum(record.status == "scored" for record in records)
    err.print(
        f"{scored} of {len(records)} photos scored in {time.perf_counter() - start:.1f} s "
        f"(networks {scorer.model_seconds:.1f} s, loading {scorer.load_seconds:.1f} s)"
    )
    return records


def _keep_thumbnails(thumbnails: dict[str, bytes]) -> "OnImage":
    from model_store.images.thumbnails import thumbnail

    return lambda name, image: thumbnails.update({name: thumbnail(image)})


def _write_report(path: Path, records: list["AnyRecord"], pictures: list[bytes | None], spec: "EnsembleSpec") -> None:
    from memorability.report import ReportPhoto, write_report

    photos = [ReportPhoto(record, picture) for record, picture in zip(records, pictures, strict=True)]
    references = [measure.reference for measure in spec.measures.values() if measure.reference]
    write_report(path, photos, list(spec.manifests.values()), datetime.now(UTC), references)
    err.print(f"Report: {path}")


def print_ranking(records: Iterable["AnyRecord"]) -> None:
    """Prints scored photos best first, by each measure in its own table, and below them what failed and why."""
    from memorability.ranking import ranking_tables

    for table in ranking_tables(records):
        out.print(table)
    for record in records:
        if record.status == "failed":
            out.print(f"[red]failed[/]  {record.error.code}: ", end="")
            out.print(record.error.message, markup=False, soft_wrap=True)


def print_licences(spec: "EnsembleSpec") -> None:
    """Names every model's licence; a default install never hides that weights are for non-commercial use."""
    for manifest in spec.manifests.values():
        print_licence(manifest.ref, manifest.licence)


def print_licence(ref: str, licence: "Licence") -> None:
    """Names a model's licence."""
    terms = "" if licence.commercial_use else " — [bold]non-commercial use only[/]"
    out.print(f"[dim]{ref}: {licence.name}[/]{terms}")
