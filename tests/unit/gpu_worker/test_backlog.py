"""Whose turn it is, and what goes into one batch."""

from gpu_worker.backlog import Backlog, Work
from model_store.heatmaps.methods import Method
from tests.unit.gpu_worker.fakes import VITMEM, job, message

CAM, GRADIENTS = Method.GRADCAM, Method.INTEGRATED_GRADIENTS


def works(tenant: str, count: int, method: Method = CAM) -> list[Work]:
    jobs = (job(tenant, f"{tenant}{number}", method=method) for number in range(count))
    return [Work(message(found), found) for found in jobs]


def taken(backlog: Backlog, limit: int = 8) -> list[str]:
    return [work.job.filename for work in backlog.take(lambda _group: limit)]


def test_a_tenant_with_500_jobs_does_not_delay_one_with_5() -> None:
    backlog = Backlog()
    backlog.add(works("big", 500))
    backlog.add(works("small", 5))

    assert taken(backlog) == ["big0", "small0", "big1", "small1", "big2", "small2", "big3", "small3"]
    assert taken(backlog)[:2] == ["big4", "small4"]
    assert len(backlog) == 505 - 16


def test_the_next_batch_is_of_the_tenant_who_waits_longest() -> None:
    backlog = Backlog()
    backlog.add(works("first", 20, CAM))
    backlog.add(works("second", 3, GRADIENTS))

    batches = [taken(backlog, 2) for _ in range(4)]

    assert batches == [["first0", "first1"], ["second0", "second1"], ["first2", "first3"], ["second2"]]


def test_a_batch_is_of_one_subject_and_method() -> None:
    backlog = Backlog()
    mixed = [
        job(filename="a"),
        job(filename="b", method=GRADIENTS),
        job(filename="c", subject=VITMEM),
        job(filename="d"),
    ]
    backlog.add([Work(message(found), found) for found in mixed])

    assert [taken(backlog) for _ in range(4)] == [["a", "d"], ["b"], ["c"], []]


def test_the_limit_is_the_groups_own() -> None:
    backlog = Backlog()
    backlog.add([*works("acme", 6, CAM), *works("acme", 6, GRADIENTS)])

    def limit(group: object) -> int:
        return 4 if CAM in str(group) else 1

    assert [len(backlog.take(limit)) for _ in range(4)] == [4, 2, 1, 1]
