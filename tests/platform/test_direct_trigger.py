"""The other way from the bucket to the scorer: without a queue.

That a call which fails for good leaves its event in the failure queue, tests/terraform shows: the emulator keeps such
settings for functions, and forgets them where S3 calls an alias.
"""

from collections.abc import Mapping

import pytest

from model_store.records import ScoredRecord
from scripts.local_platform.platform import LocalPlatform
from tests.platform.platform_client import PlatformClient
from tests.platform.records import assert_same, scored

# The emulator starts a process for every photo that comes while the others are busy, and each holds over 0.5 GB.
N_PHOTOS = 3


@pytest.fixture(scope="module")
def direct(platform: LocalPlatform, client: PlatformClient) -> PlatformClient:
    platform.terraform.change({"score_trigger": "direct"})
    return client


def test_photos_get_their_records_without_a_queue(
    direct: PlatformClient,
    photos: Mapping[str, bytes],
    expected: Mapping[str, ScoredRecord],
    batch: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    queues = direct.sqs.list_queues(QueueNamePrefix="local-score")["QueueUrls"]
    assert [url.rsplit("/", 1)[-1] for url in queues] == ["local-score-failures"]
    done = direct.score(batch, dict(list(photos.items())[:N_PHOTOS]))
    with capsys.disabled():
        print(f"\ndirect: {done}")

    for name, item in done.items.items():
        assert_same(scored(item), expected[name])
