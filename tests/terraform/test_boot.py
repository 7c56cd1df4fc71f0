"""What a heatmap worker's instance runs at its first boot."""

import base64
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpu_worker.settings import WorkerSettings
from model_store.settings import PREFIX
from tests.terraform.plan import Plan
from tests.terraform.workspace import REPOSITORY

BOOT = REPOSITORY / "terraform/modules/heatmap_workers/boot"


@pytest.fixture
def user_data(queued: Plan) -> str:
    template = queued["module.heatmap_workers[0].aws_launch_template.worker"]
    return base64.b64decode(template["user_data"]).decode()


def test_the_worker_is_told_all_that_it_wants_to_know(user_data: str) -> None:
    told = set(re.findall(rf"({PREFIX}\w+)=", user_data))

    assert told == {field.alias for field in WorkerSettings.model_fields.values()}


def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which(command, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if not program:
        pytest.fail(f"{command} is not on the PATH; CONTRIBUTING.md says how to get it")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_script_is_clean() -> None:
    done = run("shellcheck", str(BOOT / "start-worker.sh"))

    assert done.returncode == 0, done.stdout


COMMANDS = ["dnf", "systemctl", "amazon-cloudwatch-agent-ctl", "sleep"]


class Machine:
    """Commands that write down how they are called, and fail when they are told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for command in COMMANDS:
            self.answer(command, "true")

    def answer(self, command: str, result: str) -> None:
        """Ends every call of a command with the result of a line of shell, in which `$*` are its arguments."""
        path = self.folder / command
        path.write_text(f'#!/bin/bash\necho "{command} $*" >>"{self.folder}/calls"\n{result}\n')
        path.chmod(0o755)

    def boot(self) -> list[str]:
        """Runs the script; returns what was called."""
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}
        subprocess.run(["bash", BOOT / "start-worker.sh", "mnt-store.mount"], env=environment, check=False)
        return (self.folder / "calls").read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


WORKER_STARTS = "systemctl enable --now memorability-worker.service"


def test_worker_starts_once_the_volume_is_mounted(machine: Machine) -> None:
    calls = machine.boot()

    assert calls[-2:] == ["systemctl enable --now mnt-store.mount", WORKER_STARTS]


def test_mount_is_tried_again(machine: Machine) -> None:
    machine.answer("systemctl", f'[[ "$*" != *mnt-store* ]] || (($(grep -c mnt-store "{machine.folder}/calls") > 2))')

    calls = machine.boot()

    assert calls.count("systemctl enable --now mnt-store.mount") == 3
    assert calls[-1] == WORKER_STARTS


@pytest.mark.parametrize(
    ("command", "result"),
    [("dnf", "false"), ("amazon-cloudwatch-agent-ctl", "false"), ("systemctl", '[[ "$*" != *enable* ]]')],
)
def test_instance_that_cannot_work_switches_off(machine: Machine, command: str, result: str) -> None:
    machine.answer(command, result)

    calls = machine.boot()

    assert calls[-1] == "systemctl poweroff"
    assert WORKER_STARTS not in calls


def test_user_data_follows_cloud_inits_schema(user_data: str, tmp_path: Path) -> None:
    path = tmp_path / "user-data"
    path.write_text(user_data)

    done = run("cloud-init", "schema", "--config-file", str(path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Valid" in done.stdout + done.stderr


def test_user_data_fits(user_data: str) -> None:
    assert len(user_data) < 16 * 1024  # EC2 user guide, "Run commands when you launch an EC2 instance with user data"


def test_worker_mounts_the_reader_and_runs_from_the_bundle(queued: Plan, user_data: str) -> None:
    reader = queued["module.model_volume.aws_efs_access_point.reader"]["id"]

    assert f"ro,tls,iam,accesspoint={reader}" in user_data
    assert "PYTHONPATH=/mnt/store/runtime/" in user_data
    for name in ["HEATMAPS_BUCKET", "JOBS_QUEUE_URL", "RESULTS_TABLE", "STORE", "UPLOADS_BUCKET"]:
        assert f"MEMORABILITY_{name}=" in user_data
