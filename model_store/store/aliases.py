"""Aliases: names such as `live` that point to an ensemble version and can be moved at once for everybody."""

from contextlib import suppress

from model_store.store.atomic import sweep, sync, write_file
from model_store.store.errors import CorruptModelError, NotFoundError, StoreError
from model_store.store.layout import StoreLayout, file_names, folder_names
from model_store.store.references import Ref

_MAX_ALIAS_BYTES = 256


def list_aliases(layout: StoreLayout) -> dict[str, Ref]:
    """Return the ensemble version each alias points to.

    Raises:
        CorruptModelError: the file of an alias holds no reference.
    """
    targets = {alias: alias_target(layout, alias) for alias in file_names(layout.aliases)}
    return {alias: target for alias, target in targets.items() if target}


def alias_target(layout: StoreLayout, alias: str) -> Ref | None:
    """Return the ensemble version an alias points to, or None if there is no such alias.

    Raises:
        CorruptModelError: the file of the alias holds no reference to a version.
    """
    path = layout.aliases / alias
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_ALIAS_BYTES)
    except FileNotFoundError:
        return None
    with suppress(UnicodeDecodeError, StoreError):
        target = Ref.parse(content.decode("ascii").strip())
        if target.version is not None:
            return target
    raise CorruptModelError(
        f"{path} does not name an ensemble version; set it with `memorability models alias {alias} ENSEMBLE`."
    )


def write_alias(layout: StoreLayout, alias: str, target: Ref) -> None:
    """Point an alias to an ensemble version; the caller holds the store's lock and has checked the target.

    Raises:
        StoreError: the alias has an unfit name, or an ensemble has that name.
    """
    Ref(alias)
    if alias in folder_names(layout.ensembles):
        raise StoreError(f"{alias} is an ensemble in {layout.root}; give the alias another name.")
    sweep(layout.aliases)
    write_file(layout.aliases / alias, f"{target}\n")


def delete_alias(layout: StoreLayout, alias: str) -> None:
    """Delete an alias; the caller holds the store's lock.

    Raises:
        NotFoundError: there is no such alias.
    """
    known = file_names(layout.aliases)
    if alias not in known:
        raise NotFoundError(f"There is no alias {alias} in {layout.root}, which holds {', '.join(known) or 'none'}.")
    (layout.aliases / alias).unlink()
    sync(layout.aliases)
