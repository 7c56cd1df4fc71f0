"""Bundles of dependencies: installed whole or not at all, from archives that are not trusted, and pruned."""

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.publish.bundles import install_bundle, prune_bundles
from model_store.archives import ArchiveError, UnpackLimits, unpack

FILES = {"jaxlib/__init__.py": b"version = 1\n", "jaxlib/libjax.so": bytes(range(256)) * 100}
NOW = datetime(2026, 11, 22, tzinfo=UTC)

Pack = Callable[[dict[str, bytes]], bytes]


def tar_gz(files: dict[str, bytes], *others: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for other in others:
            archive.addfile(other)
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


PACKED = [pytest.param("tar.gz", tar_gz, id="tar.gz"), pytest.param("zip", zipped, id="zip")]


def digest_of(archive: bytes) -> str:
    return hashlib.sha256(archive).hexdigest()


def install(runtime: Path, archive: bytes, kind: str = "tar.gz") -> Path:
    digest = digest_of(archive)
    assert install_bundle(runtime, digest, kind, [archive[:100], archive[100:]])
    return runtime / digest


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tar_member(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(("kind", "pack"), PACKED)
def test_a_bundle_is_installed_for_everybody_to_read(kind: str, pack: Pack, tmp_path: Path) -> None:
    bundle = install(tmp_path / "runtime", pack(FILES), kind)

    assert {name: (bundle / name).read_bytes() for name in FILES} == FILES
    for path in (bundle, *bundle.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
    assert names(bundle.parent) == [bundle.name], "the archive was left behind"


def test_an_installed_bundle_is_not_fetched_again(tmp_path: Path) -> None:
    bundle = install(tmp_path, tar_gz(FILES))

    def never() -> Iterator[bytes]:
        raise AssertionError("the archive was fetched")
        yield b""

    assert not install_bundle(tmp_path, bundle.name, "tar.gz", never())


def test_a_bundle_that_is_installed_again_is_the_newest(tmp_path: Path) -> None:
    bundle = install(tmp_path, tar_gz(FILES))
    os.utime(bundle, (0, 0))

    install_bundle(tmp_path, bundle.name, "tar.gz", [])

    assert prune_bundles(tmp_path, 0, [], datetime.now(UTC)) == []


@pytest.mark.parametrize(("kind", "pack"), PACKED)
def test_another_archive_than_the_digest_says_is_refused(kind: str, pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="has the SHA-256"):
        install_bundle(tmp_path, digest_of(b"another one"), kind, [pack(FILES)])
    assert not names(tmp_path)


@pytest.mark.parametrize("name", ["../escaped.py", "/escaped.py", "a/../../escaped.py"])
@pytest.mark.parametrize(("kind", "pack"), PACKED)
def test_paths_that_lead_out_are_refused(kind: str, pack: Pack, name: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="leads out of its folder"):
        install(tmp_path / "a" / "runtime", pack(FILES | {name: b"evil"}), kind)

    assert not list(tmp_path.rglob("escaped.py"))
    assert not names(tmp_path / "a" / "runtime")


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(tar_member("etc", tarfile.SYMTYPE, "/etc"), id="symlink out"),
        pytest.param(tar_member("inside", tarfile.SYMTYPE, "jaxlib"), id="symlink inside"),
        pytest.param(tar_member("hard", tarfile.LNKTYPE, "jaxlib/__init__.py"), id="hard link"),
        pytest.param(tar_member("null", tarfile.CHRTYPE), id="device"),
        pytest.param(tar_member("pipe", tarfile.FIFOTYPE), id="pipe"),
    ],
)
def test_links_and_special_files_are_refused(member: tarfile.TarInfo, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        install(tmp_path, tar_gz(FILES, member))
    assert not names(tmp_path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("etc")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc")

    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        install(tmp_path, buffer.getvalue(), "zip")


@pytest.mark.parametrize(
    ("archive", "kind"),
    [
        pytest.param(tar_gz(FILES)[:-40], "tar.gz", id="tar cut off"),
        pytest.param(b"not an archive", "tar.gz", id="no tar"),
        pytest.param(zipped(FILES)[:-40], "zip", id="zip cut off"),
        pytest.param(tar_gz({"a": b"", "a/b": b""}), "tar.gz", id="file as a folder"),
    ],
)
def test_damaged_archives_are_refused(archive: bytes, kind: str, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be unpacked"):
        install(tmp_path, archive, kind)
    assert not names(tmp_path)


@pytest.mark.parametrize(("kind", "pack"), PACKED)
@pytest.mark.parametrize("limits", [UnpackLimits(max_bytes=10_000), UnpackLimits(max_entries=1)])
def test_an_archive_cannot_fill_the_volume(kind: str, pack: Pack, limits: UnpackLimits, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(pack(FILES))
    unpack(archive, kind, tmp_path / "within", UnpackLimits(max_bytes=25_612, max_entries=2))

    with pytest.raises(ArchiveError, match="holds over"):
        unpack(archive, kind, tmp_path / "over", limits)


def test_an_installation_that_is_cut_off_leaves_nothing_to_see_and_is_done_again(tmp_path: Path) -> None:
    archive = tar_gz(FILES)

    def cut_off() -> Iterator[bytes]:
        yield archive[:100]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        install_bundle(tmp_path, digest_of(archive), "tar.gz", cut_off())
    assert not names(tmp_path)
    assert install(tmp_path, archive)


def test_litter_of_killed_publishers_is_swept_when_it_is_old(tmp_path: Path) -> None:
    for litter in (".staging-old", ".trash-old", ".staging-new"):
        (tmp_path / litter).mkdir()
        if litter.endswith("old"):
            os.utime(tmp_path / litter, (0, 0))

    bundle = install(tmp_path, tar_gz(FILES))

    assert names(tmp_path) == [".staging-new", bundle.name]


def test_of_two_publishers_at_once_the_slower_one_gives_way(tmp_path: Path) -> None:
    archive = tar_gz(FILES)

    def overtaken() -> Iterator[bytes]:
        install(tmp_path, archive)
        yield archive

    assert not install_bundle(tmp_path, digest_of(archive), "tar.gz", overtaken())
    assert names(tmp_path) == [digest_of(archive)]


def test_old_bundles_are_pruned_but_none_that_is_new_or_in_use(tmp_path: Path) -> None:
    ages = {"today": 0.9, "last week": 7, "in use": 20, "last month": 30, "last year": 365}
    for name, days in ages.items():
        (tmp_path / name / "jaxlib").mkdir(parents=True)
        installed = (NOW - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (installed, installed))

    assert prune_bundles(tmp_path, 5, [], NOW) == []
    assert prune_bundles(tmp_path, 2, ["in use"], NOW) == ["last month", "last year"]
    assert names(tmp_path) == ["in use", "last week", "today"]
    assert prune_bundles(tmp_path, 0, [], NOW) == ["last week", "in use"]
    assert names(tmp_path) == ["today"]


def test_bundles_of_workers_and_of_functions_do_not_push_each_other_out(tmp_path: Path) -> None:
    ages = {"workers'": 400, "older workers'": 401, "functions'": 2, "older functions'": 3}
    for name, days in ages.items():
        (tmp_path / name / ("gpu_worker" if "workers" in name else "functions")).mkdir(parents=True)
        installed = (NOW - timedelta(days=days)).timestamp()
        os.utime(tmp_path / name, (installed, installed))

    assert prune_bundles(tmp_path, 1, [], NOW) == ["older functions'", "older workers'"]


def test_programs_can_be_run_and_nothing_else(tmp_path: Path) -> None:
    program = tarfile.TarInfo("bin/ptxas")
    program.mode = 0o755
    bundle = install(tmp_path, tar_gz(FILES, program))

    modes = {path.name: path.stat().st_mode & 0o777 for path in bundle.rglob("*") if path.is_file()}
    assert modes.pop("ptxas") == 0o755
    assert set(modes.values()) == {0o644}
