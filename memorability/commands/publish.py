"""`memorability models publish`: a training run becomes a model that is served, here or in a deployment."""

import sys
import time
from contextlib import nullcontext
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from memorability.commands.score import print_licence
from memorability.console import err, out, step_progress
from memorability.datasets import LamemOption, load_data, predict_dataset, training_progress
from memorability.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from memorability.publishing import Destination
    from model_store.publications import Publication
    from model_store.store import Manifest, ModelStore
    from training.promotion import Verdict
    from training.runs import Run

EPILOG = """Examples:

  memorability models publish runs/scenes --alias live

  memorability models publish model.tar.gz --if-better-than runs/a

  memorability models publish resmem --deployment build/local.json
"""


def publish(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run, or a training job's model.tar.gz; with --deployment also a model of the store.",
        ),
    ],
    store: StoreOption,
    alias: Annotated[str | None, typer.Option(help="Then point this alias to the model, for every reader.")] = None,
    if_better_than: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Only if it is better than this run (a folder), or than this model on DATA."),
    ] = None,
    on: Annotated[
        Path | None, typer.Option(metavar="DATA", exists=True, help="What the run was trained on, to compare with REF.")
    ] = None,
    lamem_split: LamemOption = 1,
    deployment: Annotated[
        Path | None, typer.Option(metavar="FILE.json", dir_okay=False, help="Publish to this deployment as well.")
    ] = None,
    version: Annotated[str | None, typer.Option(show_default="when the run ended", help="Of the model.")] = None,
    json: JsonOption = False,
) -> None:
    """Publish a run under its name, as a model and as an ensemble of that model alone.

    It is compiled and tried in the local store, which needs the networks that the run was trained on. With --deployment
    it is then uploaded, and the deployment's publisher does the same. Exits with 1 if it is refused, or not better.
    """
    from model_store.store import ModelStore
    from training.artefacts import is_run, open_run

    models, path = ModelStore(store), Path(source)
    if not is_run(path) and (deployment is None or if_better_than or version):
        raise typer.BadParameter(f"{source} is no folder of a run; a model of the store only goes to a --deployment")
    with open_run(path) if is_run(path) else nullcontext() as run:
        if alias == (run.record.name if run else models.manifest(source).name):
            raise typer.BadParameter(f"the model's own ensemble is called {alias}; give the alias another name")
        if run and deployment is None:
            _require_free_names(models, run.record.name, alias)
        destination = _destination(deployment) if deployment else None
        verdict = _compare(models, run, if_better_than, on, lamem_split) if run and if_better_than else None
        manifest = _publish_here(models, run, version) if run else models.manifest(source)
    publication = _upload(models, manifest, alias, destination) if destination else _serve(models, manifest, alias)
    _report(manifest, publication, verdict, json=json)


def _require_free_names(models: "ModelStore", name: str, alias: str | None) -> None:
    """Finds out, before anything is published, whether the ensemble and the alias can be had."""
    if name in models.aliases():
        raise typer.BadParameter(f"{name}, which the run's ensemble would be called, is an alias; remove that first")
    if alias in {ensemble.name for ensemble in models.ensembles().items}:
        raise typer.BadParameter(f"{alias} is an ensemble; give the alias another name")


def _compare(models: "ModelStore", run: "Run", ref: str, data: Path | None, lamem_split: int) -> "Verdict":
    """Compares the run with what it is to be better than, and refuses it where it is not."""
    from training import promotion
    from training.artefacts import is_run, open_run
    from training.evaluation.evaluating import find_spec

    if is_run(Path(ref)):
        with open_run(Path(ref)) as other:
            verdict = promotion.compare_with_run(run, other)
    elif data is None:
        raise typer.BadParameter(f"{ref} is no folder of a run: say with --on DATA which photos it is compared on")
    else:
        promotion.require_unseen(find_spec(models, ref))
        with training_progress(time.monotonic) as progress:
            photos = promotion.held_out_photos(run, load_data(data, lamem_split, progress))
            predictions = predict_dataset(models, ref, photos, run.description.measure, progress)
        verdict = promotion.compare_with_model(run, photos, predictions)
    promotion.require_better(verdict)
    return verdict


def _publish_here(models: "ModelStore", run: "Run", version: str | None) -> "Manifest":
    from training.publishing import publish_run, version_of

    version = version or version_of(run)
    with step_progress() as progress:
        progress(f"Publishing {run.record.name}@{version}, which is compiled and tried", 0, None)
        return publish_run(models, run, version)


def _serve(models: "ModelStore", manifest: "Manifest", alias: str | None) -> "Publication":
    from model_store.publications import Publication, PublicationStatus
    from training.publishing import serve_alone

    ensemble = serve_alone(models, manifest)
    if alias:
        models.set_alias(alias, ensemble.ref)
    return Publication(PublicationStatus.PUBLISHED, ensemble.ref, alias)


def _destination(deployment: Path) -> "Destination":
    from memorability.aws.account import destination_of
    from memorability.deployments import read_deployment

    return destination_of(read_deployment(deployment))


def _upload(models: "ModelStore", manifest: "Manifest", alias: str | None, destination: "Destination") -> "Publication":
    from memorability.publishing import Wishes, publish_version

    with step_progress() as progress:
        publication = publish_version(destination, models, manifest.ref, Wishes(manifest.name, alias), progress)
    if publication.alias != alias or not publication.ensemble:
        err.print(f"A later upload of {manifest.name} serves in its place", markup=False)
    return publication


def _report(manifest: "Manifest", publication: "Publication", verdict: "Verdict | None", *, json: bool) -> None:
    ensemble, alias = publication.ensemble, publication.alias
    if json:
        said = {"model": manifest.ref, "ensemble": ensemble, "alias": alias}
        licence = manifest.licence.model_dump(mode="json")
        comparison = verdict.model_dump(mode="json") if verdict else None
        sys.stdout.write(dumps(said | {"licence": licence, "comparison": comparison}) + "\n")
        return
    if verdict:
        out.print(str(verdict), markup=False)
    served = f", alone in {ensemble}" if ensemble else ""
    out.print(f"{manifest.ref} is published{served}" + (f"; {alias} → {ensemble}" if alias else ""))
    print_licence(manifest.ref, manifest.licence)
    if not manifest.licence.commercial_use and manifest.licence.text:
        out.print(manifest.licence.text, markup=False, style="dim")
