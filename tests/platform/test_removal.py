"""What is left of the platform when it is removed: nothing."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.local_platform.platform import LocalPlatform
from tests.e2e.conftest import ROOT
from tests.platform.platform_client import PlatformClient

KEPT_BY_TERRAFORM = ".terraform.d"  # in the home folder: its settings


def test_processes_keep_their_files_in_the_clone(
    platform: LocalPlatform, client: PlatformClient, photos: Mapping[str, bytes], batch: str
) -> None:
    client.score(batch, dict([next(iter(photos.items()))]))

    running = processes(platform)
    assert len(running) > 1, "the emulator should run, and the scorer in a process of its own"
    assert not {path for process in running for path in written(process) if not path.is_relative_to(ROOT)}


def test_destruction_leaves_nothing(platform: LocalPlatform, client: PlatformClient) -> None:
    platform.terraform.destroy()

    assert not platform.terraform.resources()
    assert not client.s3.list_buckets()["Buckets"]
    assert not client.lambda_.list_functions()["Functions"]
    assert not client.dynamodb.list_tables()["TableNames"]
    assert not client.sqs.list_queues().get("QueueUrls")
    assert not [role for role in client.iam.list_roles()["Roles"] if role["RoleName"].startswith("local-")]


def test_down_leaves_no_process_and_keeps_what_is_expensive_to_make(platform: LocalPlatform) -> None:
    layout = platform.emulator.layout

    platform.down()

    assert not processes(platform)
    assert sorted(path.name for path in layout.root.iterdir()) == ["store", "venv"]
    assert not layout.deployment_file.exists()


def test_nothing_is_left_at_home_and_among_temporary_files(platform: LocalPlatform, home: Mapping[str, str]) -> None:
    platform.down()

    assert not platform.emulator.layout.scratch.exists()
    left = {path for folder in home.values() for path in Path(folder).iterdir()}
    assert not {path for path in left if path.name != KEPT_BY_TERRAFORM}


def processes(platform: LocalPlatform) -> list[Path]:
    """The emulator and what it started: they all have its temporary folder."""
    mark = f"TMPDIR={platform.emulator.layout.scratch}\0".encode()
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdecimal() and mark in environment(folder)]


def environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:  # it ended, or is another user's
        return b""


def written(process: Path) -> Iterator[Path]:
    """The files that a process has open for writing."""
    for descriptor in (process / "fd").iterdir():
        path = Path(descriptor.readlink())
        if path.is_file() and not path.is_relative_to("/dev") and is_writable(process / "fdinfo" / descriptor.name):
            yield path


def is_writable(information: Path) -> bool:
    flags = next(line for line in information.read_text().splitlines() if line.startswith("flags:"))
    return int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
