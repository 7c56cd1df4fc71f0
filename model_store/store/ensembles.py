"""The published ensembles: numbered versions, each a small file that never changes."""

from collections.abc import Mapping
from datetime import datetime

from model_store.store.aliases import alias_target
from model_store.store.atomic import sweep, write_file
from model_store.store.errors import CorruptModelError, NotFoundError, StoreError
from model_store.store.layout import StoreLayout, file_names, folder_names
from model_store.store.manifest import (
    Ensemble,
    EnsembleMeasure,
    Manifest,
    Measure,
    ReferenceDistribution,
    read_document,
    to_json,
)
from model_store.store.references import Ref
from model_store.store.versions import Listing, read_manifest


def list_ensembles(layout: StoreLayout) -> Listing[Ensemble]:
    """Read every version of every ensemble; a broken one becomes a problem and hides no other."""
    ensembles: list[Ensemble] = []
    problems: list[str] = []
    for name in folder_names(layout.ensembles):
        for version in _list_versions(layout, name):
            try:
                ensembles.append(_read(layout, Ref(name, str(version))))
            except StoreError as error:
                problems.append(str(error))
    return Listing(tuple(ensembles), tuple(problems))


def resolve_ensemble(layout: StoreLayout, ref: Ref) -> Ensemble:
    """Return the ensemble that `ref` means: an alias, a pinned version, or the newest version of a name.

    Raises:
        NotFoundError: the store has none of these.
        CorruptModelError: the alias or the ensemble cannot be read.
    """
    if ref.version is None:
        ref = alias_target(layout, ref.name) or _newest(layout, ref)
    return _read(layout, ref)


def publish_ensemble(
    layout: StoreLayout, name: str, measures: Mapping[Measure, EnsembleMeasure], created_at: datetime
) -> Ensemble:
    """Publish the next version of an ensemble, or return the newest if it has the same measures.

    The caller holds the store's lock.

    Raises:
        NotFoundError: a member is not in the store.
        StoreError: a member predicts another measure, or the name is an alias.
    """
    Ref(name)
    if alias_target(layout, name):
        raise StoreError(f"{name} is an alias in {layout.root}; give the ensemble another name.")
    versions = _list_versions(layout, name)
    ensemble = Ensemble(name=name, version=max(versions, default=0) + 1, measures=measures, created_at=created_at)
    _check_members(layout, ensemble)
    if versions and (newest := _read(layout, Ref(name, str(versions[-1])))).measures == ensemble.measures:
        return newest
    path = layout.ensemble_version(Ref.parse(ensemble.ref))
    sweep(path.parent)
    write_file(path, to_json(ensemble))
    return ensemble


def join_ensemble(
    layout: StoreLayout, name: str, manifest: Manifest, reference: ReferenceDistribution | None, created_at: datetime
) -> Ensemble:
    """Publish the next version of an ensemble, with this model version in place of the model's others.

    The caller holds the store's lock. An ensemble that does not exist is made of this member. Members that the store no
    longer has are left out.

    Args:
        layout: The store.
        name: The ensemble.
        manifest: Of the new member.
        reference: Of the scores of all members of the measure; where there is none, a lone member brings its own.
        created_at: For the new version.

    Raises:
        CorruptModelError: the newest version, or the manifest of a member, cannot be read.
        StoreError: the name is an alias.
    """
    versions = _list_versions(layout, name)
    measures = _without_removed(layout, _read(layout, Ref(name, str(versions[-1]))).measures) if versions else {}
    measures[manifest.measure] = _with_member(measures.get(manifest.measure), manifest, reference)
    return publish_ensemble(layout, name, measures, created_at)


def _without_removed(
    layout: StoreLayout, measures: Mapping[Measure, EnsembleMeasure]
) -> dict[Measure, EnsembleMeasure]:
    """Measures without the members that the store no longer has, whose reference went with them."""
    kept = {}
    for measure, content in measures.items():
        members = tuple(member for member in content.members if layout.model_version(Ref.parse(member)).is_dir())
        if members == content.members:
            kept[measure] = content
        elif members:
            kept[measure] = EnsembleMeasure(members=members)
    return kept


def _with_member(
    measure: EnsembleMeasure | None, manifest: Manifest, reference: ReferenceDistribution | None
) -> EnsembleMeasure:
    others = [m for m in measure.members if not m.startswith(f"{manifest.name}@")] if measure else []
    members = (*others, manifest.ref)
    if measure and measure.members == members and reference is None:
        return measure
    return EnsembleMeasure(members=members, reference=reference or (None if others else manifest.reference))


def _check_members(layout: StoreLayout, ensemble: Ensemble) -> None:
    for measure, content in ensemble.measures.items():
        for member in content.members:
            predicted = read_manifest(layout, Ref.parse(member)).measure
            if predicted != measure:
                raise StoreError(f"{member} predicts {predicted} and cannot be a member for {measure}.")


def _list_versions(layout: StoreLayout, name: str) -> list[int]:
    stems = (file.removesuffix(".json") for file in file_names(layout.ensembles / name))
    return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdecimal())


def _newest(layout: StoreLayout, ref: Ref) -> Ref:
    versions = _list_versions(layout, ref.name)
    if not versions:
        raise _not_found(layout, ref)
    return Ref(ref.name, str(versions[-1]))


def _read(layout: StoreLayout, ref: Ref) -> Ensemble:
    path = layout.ensemble_version(ref)
    try:
        ensemble = read_document(Ensemble, path)
    except FileNotFoundError:
        raise _not_found(layout, ref) from None
    if ensemble.ref != str(ref):
        raise CorruptModelError(f"{path} is the file of {ensemble.ref}, not of {ref}.")
    return ensemble


def _not_found(layout: StoreLayout, ref: Ref) -> NotFoundError:
    names = folder_names(layout.ensembles)
    known = [f"{name}@{version}" for name in names for version in _list_versions(layout, name)]
    known += file_names(layout.aliases)
    return NotFoundError(
        f"There is no ensemble or alias {ref} in {layout.root}, which holds {', '.join(known) or 'none'}; "
        "`memorability models pull resmem` gets a model, makes an ensemble of it and sets the alias `live`."
    )
