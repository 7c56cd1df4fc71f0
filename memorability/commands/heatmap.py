"""`memorability heatmap`: where the memorability of photos comes from, as pictures, maps and figures."""

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memorability.console import err, out, photo_progress
from memorability.options import JsonOption, StoreOption
from model_store.heatmaps.methods import Method

if TYPE_CHECKING:
    from model_store.heatmaps.explainers import SubjectExplainer
    from model_store.heatmaps.explaining import Settings
    from model_store.heatmaps.maps import PhotoMap
    from model_store.heatmaps.records import DoneHeatmap, FailedHeatmap, Faithfulness
    from model_store.heatmaps.served import ServedExplainer
    from model_store.heatmaps.subjects import HeatmapSubject
    from model_store.runtime.scoring import DecodedPhoto, Photo
    from model_store.store import ModelStore

EPILOG = """Examples:

  memorability heatmap photos/ --out maps/

  memorability heatmap a.jpg --method occlusion --model resmem --out maps/

  memorability heatmap photos/ --quick --out maps/
"""

BATCH = 8  # photos: as scoring, which the CPU gains nothing by exceeding
STEPS = 32


def heatmap(
    paths: Annotated[list[Path], typer.Argument(exists=True, metavar="PATH", help="Photos, or folders of photos.")],
    store: StoreOption,
    out_folder: Annotated[Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Where results go.")],
    method: Annotated[Method, typer.Option(help="How the score is attributed to places.")] = Method.GRADCAM,
    model: Annotated[str | None, typer.Option(metavar="REF", help="Explain the score of this model.")] = None,
    ensemble: Annotated[
        str | None, typer.Option(metavar="REF", show_default="live", help="Explain this ensemble or alias.")
    ] = None,
    measure: Annotated[str, typer.Option(help="Which measure of the ensemble.")] = "hit_rate",
    steps: Annotated[int, typer.Option(min=2, help="Steps of integrated gradients.")] = STEPS,
    smooth: Annotated[int, typer.Option(min=0, help="Noisy copies that integrated gradients are averaged over.")] = 0,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Leave out how faithful a map is: some fifty score passes a photo."),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show where the memorability of photos comes from: orange raises the score, blue lowers it.

    Writes for each photo NAME.heatmap.png, the photo under its map; NAME.overlay.png, the transparent map alone; and
    NAME.npz, the signed map and its figures. Colours mean the same in all pictures of a run. Exits with 1 if any photo
    failed.
    """
    from memorability.paths import find_photos
    from model_store.heatmaps.explaining import Settings
    from model_store.heatmaps.gradients import PathSettings
    from model_store.runtime.scoring import DEFAULT_LIMITS
    from model_store.store import ModelStore

    subject = _subject(model, ensemble, measure)
    out_folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(PathSettings(steps=steps, smooth_samples=smooth))
    job = _Job(_load(ModelStore(store), subject), method, settings, with_faithfulness=not quick)
    start = time.perf_counter()
    outcomes = _explain(job, find_photos(paths, DEFAULT_LIMITS))
    records = _write(out_folder, job, outcomes)
    for record in records:
        if json:
            sys.stdout.write(record.to_json() + "\n")
        elif record.status == "done":
            out.print(f"{record.score:.3f}  {record.overlay_key}", markup=False, soft_wrap=True)
        else:
            out.print(f"[red]failed[/]  {record.error.code}: ", end="")
            out.print(record.error.message, markup=False, soft_wrap=True)
    done = sum(record.status == "done" for record in records)
    err.print(f"{done} of {len(records)} heatmaps made in {time.perf_counter() - start:.1f} s")
    if done < len(records):
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Job:
    """What is computed for every photo."""

    explainer: "ServedExplainer | SubjectExplainer"
    method: Method
    settings: "Settings"
    with_faithfulness: bool


@dataclass(frozen=True)
class _Explained:
    """A photo's map, with a small picture of it as a JPEG: photos of full size would fill the memory."""

    photo: "DecodedPhoto"
    picture: bytes
    photo_map: "PhotoMap"
    faithfulness: "Faithfulness | None"


def _subject(model: str | None, ensemble: str | None, measure: str) -> "HeatmapSubject":
    from model_store.heatmaps.subjects import HeatmapSubject
    from model_store.store import Measure

    if model and ensemble:
        raise typer.BadParameter("give --model or --ensemble, not both")
    if measure not in set(Measure):
        raise typer.BadParameter(f"{measure!r} is no measure; choose one of {', '.join(Measure)}")
    try:
        return (
            HeatmapSubject(model=model) if model else HeatmapSubject.of_ensemble(ensemble or "live", Measure(measure))
        )
    except ValueError as error:
        raise typer.BadParameter(f"{model or ensemble!r} is no reference: write NAME or NAME@VERSION") from error


def _load(store: "ModelStore", subject: "HeatmapSubject") -> "ServedExplainer | SubjectExplainer":
    import jax

    from model_store.heatmaps.explainers import SubjectSpec
    from model_store.heatmaps.served import ServedExplainer

    spec = SubjectSpec.of(store, subject)
    return ServedExplainer.load(store, spec) if jax.default_backend() == "cpu" else spec.load()


def _explain(job: _Job, photos: Sequence["Photo"]) -> list["_Explained | FailedHeatmap"]:
    outcomes: list[_Explained | FailedHeatmap] = []
    with photo_progress(len(photos), "Explaining") as progress, ThreadPoolExecutor(1) as ahead:
        batches = list(batched(photos, BATCH, strict=False))
        pending = ahead.submit(_decode, job, batches[0]) if batches else None
        for index in range(len(batches)):
            decoded = pending.result() if pending else []
            pending = ahead.submit(_decode, job, batches[index + 1]) if index + 1 < len(batches) else None
            outcomes += _explain_batch(job, decoded)
            progress.advance(progress.task_ids[0], len(decoded))
    return outcomes


type _Decoded = "tuple[DecodedPhoto, bytes] | FailedHeatmap"


def _decode(job: _Job, photos: Sequence["Photo"]) -> list[_Decoded]:
    from model_store.heatmaps.records import FailedHeatmap, HeatmapFailure
    from model_store.heatmaps.rendering import LONGEST_SIDE
    from model_store.images.thumbnails import thumbnail
    from model_store.runtime.scoring import DEFAULT_LIMITS, DecodedPhoto, decode_photo

    pictures: dict[str, bytes] = {}
    decoded: list[_Decoded] = []
    for photo in photos:
        outcome = decode_photo(
            photo,
            job.explainer.preprocessings,
            DEFAULT_LIMITS,
            lambda name, image: pictures.update({name: thumbnail(image, LONGEST_SIDE)}),
        )
        if isinstance(outcome, DecodedPhoto):
            decoded.append((outcome, pictures[photo.name]))
        else:
            failure = HeatmapFailure(code=outcome.error.code, message=outcome.error.message)
            subject = job.explainer.spec.subject
            decoded.append(FailedHeatmap(file=outcome.file, subject=subject, method=job.method, error=failure))
    return decoded


def _explain_batch(job: _Job, decoded: Sequence[_Decoded]) -> Iterator["_Explained | FailedHeatmap"]:
    pixels = [outcome[0].pixels for outcome in decoded if isinstance(outcome, tuple)]
    maps = job.explainer.explain(pixels, job.method, job.settings) if pixels else []
    measured: Sequence[Faithfulness | None] = [None] * len(maps)
    if pixels and job.with_faithfulness:
        measured = job.explainer.measure_faithfulness(pixels, maps)
    figures = iter(zip(maps, measured, strict=True))
    for outcome in decoded:
        yield _Explained(*outcome, *next(figures)) if isinstance(outcome, tuple) else outcome


def _write(
    folder: Path, job: _Job, outcomes: Sequence["_Explained | FailedHeatmap"]
) -> list["DoneHeatmap | FailedHeatmap"]:
    from memorability.batches import name_photos
    from model_store.heatmaps.maps import shared_scale

    explained = [outcome for outcome in outcomes if isinstance(outcome, _Explained)]
    scale = shared_scale([outcome.photo_map for outcome in explained]) if explained else 0.0
    files = {str(path): name for name, path in name_photos(Path(outcome.photo.name) for outcome in explained).items()}
    return [
        _write_photo(folder / files[outcome.photo.name], job, outcome, scale)
        if isinstance(outcome, _Explained)
        else outcome
        for outcome in outcomes
    ]


def _write_photo(base: Path, job: _Job, explained: _Explained, scale: float) -> "DoneHeatmap":
    """Writes the files of a photo, whose names begin as `base`, and returns its record."""
    from io import BytesIO

    from PIL import Image

    from model_store.heatmaps.records import DoneHeatmap
    from model_store.heatmaps.rendering import blend, overlay, to_png, with_legend

    spec, photo, photo_map = job.explainer.spec, explained.photo, explained.photo_map
    overlay_file, map_file = (base.with_name(base.name + suffix) for suffix in (".overlay.png", ".npz"))
    record = DoneHeatmap(
        file=photo.name,
        subject=spec.subject,
        method=job.method,
        models=job.explainer.explained_members(job.method),
        measure=spec.measure,
        score=photo_map.score,
        width=photo.width,
        height=photo.height,
        overlay_key=str(overlay_file),
        map_key=str(map_file),
        scale=scale,
        disagreement=photo_map.relative_disagreement,
        faithfulness=explained.faithfulness,
    )
    laid_over = overlay(photo_map, photo.width, photo.height, scale)
    picture = with_legend(blend(Image.open(BytesIO(explained.picture)), laid_over), scale)
    overlay_file.write_bytes(to_png(laid_over))
    base.with_name(base.name + ".heatmap.png").write_bytes(to_png(picture))
    map_file.write_bytes(photo_map.to_npz(record.model_dump(mode="json")))
    return record
