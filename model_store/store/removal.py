"""Removing model versions, never one that is being served."""

from collections.abc import Collection
from datetime import UTC, datetime

from model_store.store.aliases import list_aliases
from model_store.store.atomic import discard, sweep
from model_store.store.ensembles import list_ensembles, resolve_ensemble
from model_store.store.errors import InUseError, NotFoundError, StoreError
from model_store.store.layout import MANIFEST_FILE, StoreLayout, folder_names
from model_store.store.references import Ref
from model_store.store.versions import list_models, list_versions


def remove_model(layout: StoreLayout, ref: Ref) -> tuple[str, ...]:
    """Remove a model version, a broken one too; the caller holds the locks of the store and of the model.

    Returns:
        The ensembles, none of them served, that had it as a member and cannot be loaded any more.

    Raises:
        NotFoundError: there is no such version.
        InUseError: an alias points to an ensemble with this member, or another model reads its features.
    """
    sweep(layout.models / ref.name)
    versions = list_versions(layout, ref.name)
    if ref.version is None:
        raise StoreError(f"Say which version of {ref} to remove: {', '.join(versions) or 'there is none'}.")
    if ref.version not in versions:
        raise NotFoundError(f"There is no model {ref} in {layout.root} to remove.")
    users = tuple(ensemble.ref for ensemble in list_ensembles(layout).items if ref in ensemble.members)
    _refuse_if_served(layout, ref, users)
    _refuse_if_trunk(layout, ref)
    discard(layout.model_version(ref))
    return users


def prune_model(
    layout: StoreLayout, name: str, keep: int, older_than: datetime, spared: Collection[Ref]
) -> tuple[str, ...]:
    """Remove a model's old versions; the caller holds the locks of the store and of the model.

    A version stays if it is in use, `spared`, among the newest `keep`, or was published after `older_than`, and as long
    as another model reads its features.

    Returns:
        The versions (`name@version`) that were removed, oldest first.

    Raises:
        CorruptModelError: an alias or its ensemble cannot be read, so that nobody knows what it serves.
    """
    sweep(layout.models / name)
    used = members_in_use(layout).union(spared, _readers(layout))
    candidates = [Ref(name, version) for version in list_versions(layout, name)[:-keep]]
    outdated = [ref for ref in candidates if ref not in used and _published_at(layout, ref) < older_than]
    for ref in outdated:
        discard(layout.model_version(ref))
    return tuple(str(ref) for ref in outdated)


def members_in_use(layout: StoreLayout) -> frozenset[Ref]:
    """Return the members of every ensemble that an alias points to, and of the newest version of each ensemble.

    Raises:
        CorruptModelError: an alias or its ensemble cannot be read, so that nobody knows what it serves.
    """
    served = [resolve_ensemble(layout, target) for target in list_aliases(layout).values()]
    newest = [resolve_ensemble(layout, Ref(name)) for name in folder_names(layout.ensembles)]
    return frozenset(member for ensemble in (*served, *newest) for member in ensemble.members)


def _readers(layout: StoreLayout) -> dict[Ref, list[str]]:
    """The models that read features of a version, by that version; a model that is broken reads none."""
    readers: dict[Ref, list[str]] = {}
    for manifest in list_models(layout).items:
        for trunk in manifest.trunks:
            readers.setdefault(Ref.parse(trunk), []).append(manifest.ref)
    return readers


def _refuse_if_trunk(layout: StoreLayout, ref: Ref) -> None:
    if readers := _readers(layout).get(ref):
        raise InUseError(f"{ref} gives its features to {', '.join(readers)}: remove what needs it first.")


def _published_at(layout: StoreLayout, ref: Ref) -> datetime:
    """When a version was published; of a broken one, when anything was last done in its folder."""
    folder = layout.model_version(ref)
    manifest = folder / MANIFEST_FILE
    return datetime.fromtimestamp((manifest if manifest.exists() else folder).stat().st_mtime, UTC)


def _refuse_if_served(layout: StoreLayout, ref: Ref, users: tuple[str, ...]) -> None:
    # Each alias is followed: one whose ensemble cannot be read stops the removal instead of hiding a user.
    followed = {alias: resolve_ensemble(layout, target) for alias, target in list_aliases(layout).items()}
    serving = {alias: ensemble.ref for alias, ensemble in followed.items() if ref in ensemble.members}
    if not serving:
        return
    pointing = ", ".join(f"{alias} -> {ensemble}" for alias, ensemble in serving.items())
    idle = ", ".join(user for user in users if user not in serving.values())
    raise InUseError(
        f"{ref} is being served: {pointing}; point the alias to another ensemble first with "
        f"`memorability models alias {next(iter(serving))} ENSEMBLE`."
        + (f" Without an alias, it is also a member of {idle}." if idle else "")
    )
