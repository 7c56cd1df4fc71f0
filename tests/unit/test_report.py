"""The page that a marketer opens: what it says, that it says it safely, and how it reaches the disk."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from memorability.report import ReportError, ReportPhoto, write_report
from model_store.images import ImageErrorCode
from model_store.images.thumbnails import thumbnail
from model_store.records import FailedRecord, Failure, MeasureResult, ModelScore, ScoredRecord
from model_store.store import Manifest, Measure
from model_store.store.manifest import FileDigest, Licence, ReferenceDistribution
from tests.unit.store.samples import REFERENCE, describe

CREATED_AT = datetime(2026, 7, 9, 14, 5, tzinfo=UTC)
VOID = {"meta", "img", "br", "path", "use"}
HOSTILE = "\"'><img src=x onerror=alert(1)>{{7*7}}&amp;\u202egpj.exe"


class Page(HTMLParser):
    """A page as a reader meets it: its elements, its text, and the text of every element with a class."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._open: list[tuple[str, str, list[str]]] = []
        self._texts: list[tuple[str, list[str]]] = []
        self.feed(html)
        assert not self._open, f"elements left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.elements.append((tag, values))
        if tag not in VOID:
            text: list[str] = []
            self._open.append((tag, values.get("class", ""), text))
            self._texts.append((f"{tag}.{values.get('class', '')}", text))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self._open:
            text.append(data)

    def texts(self, element: str) -> list[str]:
        """Return the text of every `tag.class`, spaces and line ends run together."""
        return [" ".join("".join(text).split()) for name, text in self._texts if name == element]

    def attributes(self, name: str) -> list[str]:
        return [values[name] for _, values in self.elements if name in values]


def manifest(name: str = "resmem", measure: Measure = Measure.HIT_RATE, **changes: object) -> Manifest:
    files = {"params.safetensors": FileDigest(sha256="00" * 32, bytes=1)}
    described = Manifest(name=name, version="1", files=files, **dict(describe(measure)))
    return described.model_copy(update=changes)


def result(score: float, percentile: float | None = 71.4, **models: float) -> MeasureResult:
    members = tuple(ModelScore(model=f"{name}@1", score=value) for name, value in models.items())
    return MeasureResult(score=score, percentile=percentile, spread=0.021, models=members)


def scored(file: str, hit_rate: MeasureResult | float, false_alarm_rate: float | None = None) -> ReportPhoto:
    if isinstance(hit_rate, float):
        hit_rate = result(hit_rate, resmem=hit_rate)
    measures = {Measure.HIT_RATE: hit_rate}
    if false_alarm_rate is not None:
        measures[Measure.FALSE_ALARM_RATE] = result(false_alarm_rate, 8.0, falseresmem=false_alarm_rate)
    record = ScoredRecord(file=file, width=400, height=300, ensemble="default@1", measures=measures)
    return ReportPhoto(record, thumbnail(Image.new("RGB", (40, 30), "teal")))


def failed(file: str, message: str = "{} is empty (0 bytes); upload it again") -> ReportPhoto:
    failure = Failure(code=ImageErrorCode.EMPTY_FILE, message=message.format(file))
    return ReportPhoto(FailedRecord(file=file, error=failure), None)


def render(
    folder: Path,
    photos: Sequence[ReportPhoto],
    manifests: Sequence[Manifest] = (manifest(),),
    references: Sequence[ReferenceDistribution] = (),
) -> Page:
    path = folder / "report.html"
    write_report(path, photos, manifests, CREATED_AT, references)
    return Page(path.read_text(encoding="utf-8"))


def test_photos_are_ranked_best_first_and_ties_share_a_rank(tmp_path: Path) -> None:
    scores = {"d.jpg": 0.6, "b.jpg": 0.81231, "a.jpg": 0.9, "c.jpg": 0.81229, "e.jpg": 0.5999}
    page = render(tmp_path, [scored(file, score) for file, score in scores.items()])
    assert page.texts("h1.") == ["5 photos, most memorable first"]
    ranks = [text.removeprefix("Rank ") for text in page.texts("p.rank")]
    assert ranks == ["1", "2= (tied)", "2= (tied)", "4", "5"]
    files = [text.split()[0] for text in page.texts("h3.")]
    assert files[:5] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"]
    assert page.texts("p.score")[:2] == ["0.900 hit rate", "0.812 hit rate"]


def test_photos_without_a_hit_rate_are_ranked_by_the_lowest_false_alarm_rate(tmp_path: Path) -> None:
    photos = []
    for file, score in {"worse.jpg": 0.3, "better.jpg": 0.1}.items():
        measures = {Measure.FALSE_ALARM_RATE: result(score, falseresmem=score)}
        record = ScoredRecord(file=file, width=1, height=1, ensemble="default@1", measures=measures)
        photos.append(ReportPhoto(record, None))
    page = render(tmp_path, photos, [manifest("falseresmem", Measure.FALSE_ALARM_RATE)])
    assert page.texts("h1.") == ["2 photos, fewest false alarms first"]
    assert page.texts("p.score") == ["0.100 false-alarm rate", "0.300 false-alarm rate"]
    assert page.texts("p.no-picture") == ["no picture"] * 2


def test_a_photo_shows_both_measures_the_spread_and_each_model_beside_its_measured_performance(
    tmp_path: Path,
) -> None:
    hit_rate = result(0.8123, 71.4, resmem=0.83, vitmem=0.79)
    manifests = [
        manifest(),
        manifest("vitmem", performance=()),
        manifest("falseresmem", Measure.FALSE_ALARM_RATE),
    ]
    page = render(tmp_path, [scored("beach.jpg", hit_rate, false_alarm_rate=0.104)], manifests)
    (text,) = page.texts("li.photo lead")
    assert "0.812 hit rate scores higher than 71 % of the reference photos" in text
    assert "spread 0.021 over 2 models" in text
    assert "0.104 false-alarm rate, lower is better scores higher than 8 % of the reference photos" in text
    (models,) = page.texts("div.members")
    assert "resmem@1 0.830 Spearman 0.50 (0.30 to 0.70)amnet, n = 60" in models
    assert "vitmem@1 0.790 not measured against people" in models
    assert "falseresmem@1 0.104 Spearman" in models


def test_one_model_alone_has_no_spread(tmp_path: Path) -> None:
    page = render(tmp_path, [scored("beach.jpg", 0.8)])
    assert page.texts("h1.") == ["One photo, scored for memorability"]
    assert "spread 0" not in page.texts("body.")[0]


@pytest.mark.parametrize(
    ("percentile", "share"),
    [
        (0.0, "none"),
        (0.02, "0.1 %"),
        (0.4, "0.4 %"),
        (1.0, "1 %"),
        (70.99999999999999, "71 %"),  # what linear interpolation makes of 71
        (71.9, "71 %"),
        (98.98, "99 %"),
        (99.4, "99.4 %"),
        (99.97, "99.9 %"),
        (100.0, "all"),
    ],
)
def test_the_share_of_reference_photos_is_never_exaggerated(tmp_path: Path, percentile: float, share: str) -> None:
    page = render(tmp_path, [scored("beach.jpg", result(0.8, percentile, resmem=0.8))])
    assert f"scores higher than {share} of the reference photos" in page.texts("div.result")[0]


def test_percentiles_are_explained_by_what_they_are_relative_to(tmp_path: Path) -> None:
    photos = [scored("a.jpg", result(0.8, 80.0, resmem=0.8)), scored("b.jpg", result(0.5, 20.0, resmem=0.5))]
    page = render(tmp_path, photos, references=[REFERENCE])
    assert page.texts("figcaption.") == ["1 of 2 photos score above the middle of the reference photos."]
    assert "They are: a straight line from 0.4 to 0.9 (n = 1,000)." in page.texts("dl.facts")[0]


def test_without_reference_photos_the_page_shows_where_scores_lie_between_0_and_1(tmp_path: Path) -> None:
    photos = [scored(file, result(0.8, None, resmem=0.8)) for file in ("a.jpg", "b.jpg")]
    page = render(tmp_path, photos)
    assert "scores higher than" not in page.texts("body.")[0]
    assert "None come with default@1" in page.texts("dl.facts")[0]
    assert page.texts("p.scale quiet") == ["00.51"]
    assert "M80.0 8h0" in page.attributes("d")


def test_weights_that_may_not_be_used_commercially_are_announced_before_the_ranking(tmp_path: Path) -> None:
    free = Licence(name="MIT License", commercial_use=True)
    page = render(tmp_path, [scored("a.jpg", 0.8)], [manifest(), manifest("vitmem", licence=free)])
    (notice,) = page.texts("aside.notice restricted")
    assert notice.startswith("Not for commercial use")
    assert "resmem@1 (CC BY-NC 4.0)." in notice
    assert "vitmem" not in notice
    classes = page.attributes("class")
    assert classes.index("notice restricted") < classes.index("ranking")


def test_weights_that_may_be_used_commercially_have_their_licence_named(tmp_path: Path) -> None:
    free = Licence(name="MIT License", commercial_use=True)
    page = render(tmp_path, [scored("a.jpg", 0.8)], [manifest(licence=free)])
    assert page.texts("aside.notice") == [
        "Licence The weights behind this page may be used commercially: resmem@1 (MIT License)."
    ]
    assert "Not for commercial use" not in page.texts("body.")[0]


def test_every_model_is_described(tmp_path: Path) -> None:
    page = render(tmp_path, [scored("a.jpg", 0.8)], [manifest(citation="Ada 2021, https://example.org/ada.")])
    (model,) = page.texts("article.model")
    for fact in (
        "resmem@1 predicts the hit rate",
        "Licence Non-commercial use only, CC BY-NC 4.0",
        "Citation Ada 2021, https://example.org/ada.",
        "Training data LaMem and MemCat",
        "Agreement with people Spearman 0.50 (0.30 to 0.70) on amnet, n = 60, measured on 2026-01-02",
        "Provenance PyPI wheel resmem 1.1.6, imported by memorability 0.1.0 on",
        f"SHA-256 {'ab' * 32}",
    ):
        assert fact in model
    assert {"https://example.org/licence", "https://example.org/ada"} <= set(page.attributes("href"))


def test_failed_photos_are_listed_with_their_reasons(tmp_path: Path) -> None:
    page = render(tmp_path, [scored("photos/a.jpg", 0.8), failed("photos/b.jpg"), failed("photos/c.jpg")])
    assert page.texts("ul.failed") == [
        "b.jpg is empty (0 bytes); upload it again empty_file c.jpg is empty (0 bytes); upload it again empty_file"
    ]
    assert "2 photos not scored" in page.texts("nav.")[0]


@pytest.mark.parametrize("photos", [[], [failed("a.jpg")]])
def test_a_page_without_scores_still_names_models_and_licences(tmp_path: Path, photos: list[ReportPhoto]) -> None:
    page = render(tmp_path, photos)
    assert page.texts("h1.") == ["No photo could be scored"]
    assert page.texts("aside.notice restricted")
    assert page.texts("article.model")


def test_names_do_not_tell_the_folders_that_all_photos_lie_in(tmp_path: Path) -> None:
    photos = [scored("/home/ada/sea/a.jpg", 0.9), scored("/home/ada/land/b.jpg", 0.8), failed("/home/ada/c")]
    page = render(tmp_path, photos)
    assert page.texts("h3.")[:3] == ["sea/a.jpg", "land/b.jpg", "c"]
    assert "/home/ada" not in (tmp_path / "report.html").read_text()


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    hostile = manifest(
        citation=HOSTILE,
        training_data=HOSTILE,
        licence=Licence(name=HOSTILE, url="javascript:alert(1)", commercial_use=False, text=HOSTILE),
    )
    reference = REFERENCE.model_copy(update={"description": HOSTILE})
    page = render(tmp_path, [scored(HOSTILE, 0.8), failed(f"x{HOSTILE}")], [hostile], [reference])
    assert page.texts("h3.")[:2] == [HOSTILE, f"x{HOSTILE}"]
    assert {values["alt"] for tag, values in page.elements if tag == "img"} == {f"Photo {HOSTILE}"}
    for text in ("Citation " + HOSTILE, "Training data " + HOSTILE, "Non-commercial use only, " + HOSTILE):
        assert text in page.texts("article.model")[0]
    assert not any(re.search("javascript", address) for address in page.attributes("href"))
    assert not page.attributes("onerror")


def test_the_page_runs_no_script_and_fetches_nothing(tmp_path: Path) -> None:
    page = render(tmp_path, [scored(name, 0.8) for name in ("a.jpg", "b.jpg")] + [failed("c.jpg")])
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "base", "form"}
    assert all(address.startswith("data:image/jpeg;base64,") for address in page.attributes("src"))
    (styles,) = page.texts("style.")
    assert not re.search(r"url\(|@import|@font-face", styles)
    (policy,) = (v["content"] for _, v in page.elements if v.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_the_page_can_be_navigated_and_read_aloud(tmp_path: Path) -> None:
    page = render(tmp_path, [scored("a.jpg", 0.8), scored("b.jpg", 0.7), failed("c.jpg")])
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    inner = [address[1:] for address in page.attributes("href") if address.startswith("#")]
    assert set(inner + page.attributes("aria-labelledby")) <= set(ids)
    assert [values["alt"] for tag, values in page.elements if tag == "img"] == ["Photo a.jpg", "Photo b.jpg"]
    assert "9 July 2026, 14:05 UTC" in page.texts("body.")[0]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(deeper <= level + 1 for level, deeper in pairwise(levels))


def test_a_new_report_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    render(tmp_path / "new folder", [scored("old.jpg", 0.8)])
    page = render(tmp_path / "new folder", [scored("new.jpg", 0.8)])
    assert page.texts("h3.")[0] == "new.jpg"
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["report.html"]


def test_a_report_that_cannot_be_written_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(ReportError, match=r"report\.html cannot be written \(Is a directory\)"):
        render(tmp_path, [scored("a.jpg", 0.8)])
