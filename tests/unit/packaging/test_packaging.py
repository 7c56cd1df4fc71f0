"""Packages are the same whenever they are built, hold what is imported and nothing else, and keep to their limits."""

import gzip
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from scripts.packaging.architecture import Architecture
from scripts.packaging.archives import file_sha256, write_tarball, write_zip
from scripts.packaging.bytecode import compile_modules
from scripts.packaging.dependencies import Requirements
from scripts.packaging.errors import PackagingError
from scripts.packaging.limits import Limit, Size
from scripts.packaging.manifest import Entry, Manifest, bundle_entry
from scripts.packaging.runtime import RUNTIME, Runtime, find_runtime
from scripts.packaging.tools import find_uv, run
from scripts.packaging.trimming import strip_shared_objects, trim

FILES = {
    "package/__init__.py": "",
    "package/module.py": "KNOWN = frozenset({'b', 'a', 'c'})\n\ndef twice(x):\n    return 2 * x\n",
    "package/data/table.json": '{"a": 1}',
    "other/__init__.py": "from package.module import twice\n",
}


def write_files(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_files(tmp_path / "folder", FILES)


def copy_made_later_in_another_order(folder: Path, copy: Path) -> Path:
    write_files(copy, dict(reversed(FILES.items())))
    for path in copy.rglob("*"):
        os.utime(path, (time.time() + 1000, time.time() + 1000))
        path.chmod(0o700)
    return copy


def test_archives_depend_on_contents_alone(folder: Path, tmp_path: Path) -> None:
    copy = copy_made_later_in_another_order(folder, tmp_path / "copy")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()

    for write in (write_zip, write_tarball):
        first, second = write(folder, tmp_path / "first", "x"), write(copy, tmp_path / "second", "x")
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()
        assert file_sha256(first)[:16] in first.name

    (copy / "package/module.py").write_text("changed")
    assert write_zip(copy, tmp_path / "second", "x").name not in {path.name for path in (tmp_path / "first").iterdir()}


def test_archives_unpack_to_the_folder(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_zip(folder, tmp_path, "x")) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == FILES
        assert {entry.external_attr >> 16 & 0o777 for entry in archive.infolist()} == {0o644}
    with tarfile.open(write_tarball(folder, tmp_path, "x")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert {path: (tmp_path / "unpacked" / path).read_text() for path in FILES} == FILES


def test_programs_stay_programs(folder: Path, tmp_path: Path) -> None:
    write_files(folder, {"nvidia/cuda_nvcc/bin/ptxas": "#!"})
    with tarfile.open(write_tarball(folder, tmp_path, "x")) as archive:
        modes = {entry.name: entry.mode for entry in archive if entry.isfile()}

    assert [name for name, mode in modes.items() if mode == 0o755] == ["nvidia/cuda_nvcc/bin/ptxas"]


class TestManifest:
    def entry(self, out: Path, name: str) -> Entry:
        (out / name).write_bytes(name.encode())
        return bundle_entry(out / name, "0" * 64, 7)

    def test_functions_and_workers_are_packaged_one_after_the_other(self, tmp_path: Path) -> None:
        manifest = Manifest(tmp_path)
        manifest.replace({"score": self.entry(tmp_path, "score-1.zip")}, keep="worker_runtime")
        manifest.add("worker_runtime", self.entry(tmp_path, "worker-1.tar.gz"))
        manifest.replace({"api": self.entry(tmp_path, "api-1.zip")}, keep="worker_runtime")

        assert set(manifest.entries()) == {"worker_runtime", "api"}
        assert {path.name for path in tmp_path.iterdir()} == {"manifest.json", "worker-1.tar.gz", "api-1.zip"}

    def test_a_bundle_whose_archive_is_gone_is_forgotten(self, tmp_path: Path) -> None:
        manifest = Manifest(tmp_path)
        manifest.add("worker_runtime", self.entry(tmp_path, "worker-1.tar.gz"))
        (tmp_path / "worker-1.tar.gz").unlink()
        manifest.replace({}, keep="worker_runtime")

        assert not manifest.entries()


def test_a_bundle_is_kept_while_it_is_whole_and_made_from_the_same(folder: Path, tmp_path: Path) -> None:
    archive = write_tarball(folder, tmp_path, RUNTIME)
    bundle = Runtime(archive, 123, file_sha256(archive), "these wheels")
    Manifest(tmp_path).add(RUNTIME, bundle.entry())

    assert find_runtime(tmp_path, "these wheels") == bundle
    assert find_runtime(tmp_path, "newer wheels") is None
    archive.write_bytes(archive.read_bytes() + b"x")
    assert find_runtime(tmp_path, "these wheels") is None
    archive.unlink()
    assert find_runtime(tmp_path, "these wheels") is None


def test_requirements_are_listed_once() -> None:
    first, second = Requirements(("a==1", "b==1")), Requirements(("b==1", "c==1"))

    assert (first + second).lines == ("a==1", "b==1", "c==1")


def test_bytecode_is_the_same_twice_and_is_used_from_a_folder_that_nobody_can_write_to(
    folder: Path, tmp_path: Path
) -> None:
    copy = copy_made_later_in_another_order(folder, tmp_path / "copy")
    write_files(folder, {"package/template.py": "def {{ name }}():"})

    assert compile_modules(folder) == ["package/template.py"]
    assert compile_modules(copy) == []

    compiled = sorted(path.relative_to(copy) for path in copy.rglob("*.pyc"))
    assert len(compiled) == 3
    for path in compiled:
        assert (folder / path).read_bytes() == (copy / path).read_bytes()
    # Unchecked: what runs is the bytecode, whatever its source says now.
    (copy / "package/module.py").write_text("raise SystemExit('compiled anew')")
    program = "import sys; sys.path.insert(0, sys.argv[1]); import other; print(other.twice(21))"
    assert run([sys.executable, "-I", "-c", program, copy]).strip() == "42"


def test_trimming_keeps_what_is_imported_and_every_licence(tmp_path: Path) -> None:
    kept = {
        "numpy/core.py",
        "numpy-2.0.dist-info/METADATA",
        "numpy-2.0.dist-info/licenses/LICENSE",
        "botocore/data/s3/2006-03-01/waiters-2.json",
        "botocore/data/_retry.json",
    }
    dropped = {
        "numpy/tests/test_core.py",
        "numpy/core.pyi",
        "numpy/f2py/cfuncs.py",
        "numpy/__pycache__/core.cpython-313.pyc",
        "numpy-2.0.dist-info/RECORD",
        "jaxlib/include/xla/client.h",
        "bin/f2py",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
    }
    write_files(tmp_path, dict.fromkeys(kept | dropped, "{}"))

    trim(tmp_path)

    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == kept


def test_services_keep_their_shapes_and_lose_their_texts(tmp_path: Path) -> None:
    service = tmp_path / "botocore/data/s3/2006-03-01/service-2.json.gz"
    service.parent.mkdir(parents=True)
    shape = {"type": "structure", "documentation": "<p>long</p>", "members": {"documentation": {"shape": "Text"}}}
    service.write_bytes(gzip.compress(json.dumps({"shapes": {"Report": shape}}).encode()))
    table = {"partitions": [{"partition": "aws", "services": {"s3": {"endpoints": {}}, "ec2": {"endpoints": {}}}}]}
    (tmp_path / "botocore/data/endpoints.json").write_text(json.dumps(table))

    trim(tmp_path)

    assert json.loads(gzip.decompress(service.read_bytes())) == {
        "shapes": {
            "Report": {"type": "structure", "documentation": "", "members": {"documentation": {"shape": "Text"}}}
        }
    }
    (partition,) = json.loads((tmp_path / "botocore/data/endpoints.json").read_text())["partitions"]
    assert partition == {"partition": "aws", "services": {"s3": {"endpoints": {}}}}


def test_stripped_libraries_are_smaller_and_still_load(tmp_path: Path) -> None:
    library = next(Path(sys.prefix).rglob("_ml_dtypes_ext*.so"))
    copy = Path(shutil.copy(library, tmp_path))
    (tmp_path / "linker-script.so").write_text("INPUT(libz.so)")

    strip_shared_objects(tmp_path, Architecture.X86_64)

    assert copy.stat().st_size <= library.stat().st_size
    assert b".symtab" not in copy.read_bytes()
    subprocess.run([sys.executable, "-c", "import ctypes, sys; ctypes.PyDLL(sys.argv[1])", copy], check=True)
    assert (tmp_path / "linker-script.so").read_text() == "INPUT(libz.so)"


def test_a_missing_strip_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(PackagingError, match=r"apt-get install binutils-aarch64-linux-gnu"):
        Architecture.ARM64.find_strip()
    with pytest.raises(PackagingError, match=r"apt-get install binutils"):
        Architecture.X86_64.find_strip()


def test_a_missing_uv_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)

    with pytest.raises(PackagingError, match=r"make package-lambdas"):
        find_uv()


def test_a_failing_tool_says_what_it_complained_of() -> None:
    with pytest.raises(PackagingError, match=r"ended with 3:\nno such platform"):
        run([sys.executable, "-c", "import sys; print('no such platform', file=sys.stderr); sys.exit(3)"])


def test_the_bundle_has_nothing_that_the_zips_have() -> None:
    everything, zipped = Requirements(("a==1", "b==2", "c==3")), Requirements(("b==2",))

    assert everything - zipped == Requirements(("a==1", "c==3"))


@pytest.mark.parametrize(("n_bytes", "is_over"), [(99, False), (100, False), (101, True)])
def test_a_limit_is_the_most_that_is_allowed(n_bytes: int, is_over: bool) -> None:
    size = Size("zip", n_bytes, Limit(100, "our budget"))

    assert size.is_over == is_over
    assert ("OVER" in str(size)) == is_over


@pytest.mark.parametrize(
    ("architecture", "platform"),
    [(Architecture.X86_64, "x86_64-manylinux_2_34"), (Architecture.ARM64, "aarch64-manylinux_2_34")],
)
def test_wheels_are_for_the_system_that_lambda_runs(architecture: Architecture, platform: str) -> None:
    assert architecture.wheel_platform == platform
