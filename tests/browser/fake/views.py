"""What the stand-in's API says about photos and models."""

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.browser.fake.state import ENSEMBLE, MODELS, Batch, Behaviour, Heatmap, Photo

TIE = 0.004
_NOT_AN_IMAGE = "is not an image this service can read (it is a ZIP archive or office document); upload a photo"

type Link = Callable[..., str]


def photo_views(batch: Batch, behaviour: Behaviour, link: Link) -> list[dict[str, Any]]:
    """All photos of a batch by name; ranks are among them."""
    states = {name: photo.state for name, photo in batch.photos.items()}  # once: they change with time
    scored = [photo for photo in batch.photos.values() if states[photo.name] == "scored"]
    places = {
        measure: _places({photo.name: _measure(photo, measure, behaviour)["score"] for photo in scored}, measure)
        for measure in ("hit_rate", "false_alarm_rate")
    }
    views = {name: _view(batch, photo, states[name], link) for name, photo in sorted(batch.photos.items())}
    for photo in scored:
        ensembles = batch.ensembles or [ENSEMBLE]
        views[photo.name]["results"] = [_result(photo, behaviour, places, ensemble) for ensemble in ensembles]
    for name, view in views.items():
        view["heatmaps"] = [
            _heatmap(batch, batch.photos[name], one, behaviour, link) for one in batch.photos[name].heatmaps
        ]
    return list(views.values())


def model_views() -> list[dict[str, Any]]:
    """The models."""
    return [_model(ref, measure) for ref, measure in MODELS.items()]


def ensemble_views(others: Sequence[str]) -> list[dict[str, Any]]:
    """The ensembles, the default first."""
    reference = {"n": 1900, "description": "outdoor scenes of the LNSIM dataset"}
    members = {
        measure: [ref for ref, own in MODELS.items() if own == measure] for measure in ("hit_rate", "false_alarm_rate")
    }
    return [
        {
            "ref": ref,
            "name": ref.partition("@")[0],
            "version": int(ref.partition("@")[2]),
            "created_at": "2026-11-22T12:00:00Z",
            "aliases": ["live"] if ref == ENSEMBLE else [],
            "is_default": ref == ENSEMBLE,
            "commercial_use": False,
            "measures": {measure: {"members": refs, "reference": reference} for measure, refs in members.items()},
        }
        for ref in (ENSEMBLE, *others)
    ]


def _model(ref: str, measure: str) -> dict[str, Any]:
    performance = {
        "dataset": "LNSIM outdoor scenes",
        "n": 1900,
        "spearman": 0.4833,
        "ci95": [0.4475, 0.5169],
        "measured_on": "2026-11-22",
    }
    licence = {
        "name": "Research licence",
        "url": "https://example.org/licence",
        "commercial_use": ref.startswith("vitmem"),
        "text": "Ask the authors for commercial rights.",
    }
    return {
        "ref": ref,
        "name": ref.partition("@")[0],
        "version": ref.partition("@")[2],
        "measure": measure,
        "architecture": ref.partition("@")[0],
        "licence": licence,
        "citation": "Needell and Bainbridge (2022)",
        "training_data": "LaMem and MemCat",
        "performance": [performance] if measure == "hit_rate" else [],
        "reference": {"n": 1900, "description": "outdoor scenes of the LNSIM dataset"},
    }


def _places(scores: Mapping[str, float], measure: str) -> dict[str, tuple[int, bool]]:
    """Rank, and whether the photo behind shares it: scores closer than TIE are the same."""
    order = sorted(scores, key=lambda name: scores[name], reverse=measure == "hit_rate")
    places: dict[str, tuple[int, bool]] = {}
    rank = 1
    for index, name in enumerate(order):
        behind = order[index + 1] if index + 1 < len(order) else None
        tied = behind is not None and abs(scores[name] - scores[behind]) < TIE
        places[name] = (rank, tied)
        rank = rank if tied else index + 2
    return places


def _measure(photo: Photo, measure: str, behaviour: Behaviour) -> dict[str, Any]:
    own = zlib.crc32(photo.name.encode()) % 1000 / 2500 + 0.55
    score = behaviour.scores.get(photo.name, own)
    if measure == "false_alarm_rate":
        score = round(1.1 - score, 4) / 2
    members = [ref for ref, own_measure in MODELS.items() if own_measure == measure]
    offsets = [0.012 * (2 * index - len(members) + 1) for index in range(len(members))]
    return {
        "score": round(score, 6),
        "percentile": round(min(max((score - 0.5) * 200, 0.4), 99.7), 1) if measure == "hit_rate" else 40.0,
        "spread": 0.012 if len(members) > 1 else 0.0,
        "models": [{"model": ref, "score": round(score + off, 6)} for ref, off in zip(members, offsets, strict=True)],
    }


def _view(batch: Batch, photo: Photo, state: str, link: Link) -> dict[str, Any]:
    image = photo.image if state == "scored" else None
    error = {"code": "unsupported_format", "message": f"{photo.name} {_NOT_AN_IMAGE}"} if state == "failed" else None
    return {
        "name": photo.name,
        "state": state,
        "error": error,
        "width": image.width if image else None,
        "height": image.height if image else None,
        "thumbnail_url": link("thumbnail", batch.id, photo.name) if image else None,
        "photo_url": link("photo", batch.id, photo.name) if photo.content else None,
        "results": [],
    }


def _result(photo: Photo, behaviour: Behaviour, places: Mapping[str, Any], ensemble: str) -> dict[str, Any]:
    measures = {}
    for measure, ranks in places.items():
        rank, tied = ranks[photo.name]
        measures[measure] = _measure(photo, measure, behaviour) | {"rank": rank, "tied_with_next": tied}
    return {"ensemble": ensemble, "measures": measures}


def _heatmap(batch: Batch, photo: Photo, heatmap: Heatmap, behaviour: Behaviour, link: Link) -> dict[str, Any]:
    view: dict[str, Any] = {
        "subject": heatmap.subject,
        "method": heatmap.method,
        "status": "queued",
        "models": [],
        "measure": None,
    }
    view |= dict.fromkeys(
        ("score", "overlay_url", "map_url", "scale", "disagreement", "faithfulness", "error")
    )  # what is null is not there yet
    if time.monotonic() < heatmap.ready_at:
        return view
    if behaviour.fail_heatmaps:
        return view | {"status": "failed", "error": {"code": "unreadable_image", "message": "The photo is broken."}}
    areas = {
        name: {"deletion": low, "insertion": 0.8} for name, low in (("map", 0.52), ("random", 0.61), ("centre", 0.58))
    }
    return view | {
        "status": "done",
        "models": [ref for ref, measure in MODELS.items() if measure == "hit_rate"],
        "measure": "hit_rate",
        "score": _measure(photo, "hit_rate", behaviour)["score"],
        "overlay_url": link("overlay", batch.id, photo.name, heatmap.method),
        "map_url": link("map", batch.id, photo.name, heatmap.method),
        "scale": 1.0,
        "disagreement": 0.12,
        "faithfulness": areas,
    }
