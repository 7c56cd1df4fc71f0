"""What a plan of Terraform would change, by attribute."""

from collections.abc import Mapping
from typing import Any


def differences(plan: Mapping[str, Any]) -> dict[str, set[str]]:
    """The attributes that differ, by the address of the resource; nothing for a resource that stays as it is.

    Args:
        plan: as `terraform show -json` tells it (Terraform, "JSON output format", plan representation).
    """
    return {
        found["address"]: _differing(found["change"])
        for found in plan["resource_changes"]
        if found["mode"] == "managed" and found["change"]["actions"] != ["no-op"]
    }


def _differing(change: Mapping[str, Any]) -> set[str]:
    """The attributes that a change is about; those that only the application settles count too."""
    before, after, unknown = (change[moment] or {} for moment in ("before", "after", "after_unknown"))
    settled_later = {name for name, marks in unknown.items() if _holds_true(marks)}
    known = {*before, *after} - settled_later
    return settled_later | {name for name in known if before.get(name) != after.get(name)}


def _holds_true(marks: Any) -> bool:
    """Whether anything is marked in a plan's marks, which are nested as the values are."""
    if isinstance(marks, bool):
        return marks
    nested = marks.values() if isinstance(marks, dict) else marks
    return any(map(_holds_true, nested))
