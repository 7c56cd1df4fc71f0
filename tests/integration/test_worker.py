"""A worker process as systemd starts it: from the queue to objects and records, and to its end."""

import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model_store.heatmap_items import stored_heatmap
from model_store.heatmaps.maps import PhotoMap
from model_store.heatmaps.methods import Method
from model_store.heatmaps.records import DoneHeatmap
from model_store.store import ModelStore
from tests.integration.calls import metrics_in, photo
from tests.integration.worker_account import WorkerAccount, job, wait_until, worker_account

SECONDS = 120


@pytest.fixture
def account(tmp_path: Path) -> Iterator[WorkerAccount]:
    with worker_account(tmp_path, visibility_seconds=30, max_receives=3) as account:
        yield account


def test_jobs_become_heatmaps_and_what_cannot_be_done_says_why(account: WorkerAccount, store: ModelStore) -> None:
    good = job("beach.jpg", subject="ensemble.live.hit_rate")
    reference = job("beach.jpg", method=Method.OCCLUSION)
    bad, unknown = job("notes.jpg"), job("beach.jpg", subject="model.nobody")
    account.upload(good, photo())
    account.upload(bad, b"not a photo")
    account.send(good, good, reference, bad, unknown, "not a job")
    log = account.folder / "worker.log"

    with log.open("wb") as file:
        worker = account.start_worker(store.root, file)
        wait_until(lambda: account.left() == 0 or worker.poll() is not None, SECONDS, log.read_text)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SECONDS) == 0, log.read_text()

    records = {key: stored.record for key, item in account.heatmaps().items() if (stored := stored_heatmap(item))}
    done = records[good.place.item_key["sk"]]
    assert isinstance(done, DoneHeatmap)
    assert done.models == ("first@1", "second@1")
    assert (done.width, done.height) == (48, 36)
    overlay = Image.open(io.BytesIO(account.heatmap(done.overlay_key)))
    assert (overlay.mode, overlay.size) == ("RGBA", (48, 36))
    photo_map, figures = PhotoMap.from_npz(account.heatmap(done.map_key))
    assert photo_map.values.shape == (16, 16)
    assert np.isfinite(photo_map.values).all()
    assert figures["score"] == pytest.approx(done.score, abs=1e-6)
    assert done.faithfulness is None, "it would take many times as long as the map"

    measured = records[reference.place.item_key["sk"]]
    assert isinstance(measured, DoneHeatmap)
    assert measured.faithfulness is not None

    codes = {
        found.place.item_key["sk"]: records[found.place.item_key["sk"]].error.code  # type: ignore[union-attr]
        for found in (bad, unknown)
    }
    assert list(codes.values()) == ["unreadable_image", "unknown_subject"]
    assert len(records) == 4
    ((body, reason),) = account.failures().items()
    assert body == "not a job"
    assert reason.startswith("This is no heatmap job")

    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    counted = metrics_in("\n".join(lines))
    assert counted["HeatmapsDone"] == 2
    assert counted["HeatmapsUnchanged"] == 1
    assert counted["HeatmapsFailed"] == 2
    assert counted["JobsRefused"] == 1
    assert any("drained (SIGTERM)" in json.loads(line).get("message", "") for line in lines)
