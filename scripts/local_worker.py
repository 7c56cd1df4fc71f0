"""A heatmap worker for the platform on this machine; `make local-worker`.

    python -m scripts.local_worker [--folder build/local]

The platform has to run (`make local-up`). The worker has the rights of its role there and nobody else's; it computes on
the GPU where JAX finds one, and stops when it is interrupted.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from model_store.errors import MemorabilityError
from scripts.local_platform.__main__ import DEFAULT_PORT
from scripts.local_platform.emulator import Emulator
from scripts.local_platform.errors import LocalPlatformError
from scripts.local_platform.layout import ROOT, Layout

_SESSION_SECONDS = 12 * 3600  # nobody renews the credentials


def worker_environment(emulator: Emulator) -> dict[str, str]:
    """What a worker's environment holds beside this process's own.

    Raises:
        LocalPlatformError: the platform does not run.
    """
    if not (emulator.is_running() and emulator.layout.outputs.is_file()):
        raise LocalPlatformError("The local platform does not run: `make local-up`.")
    outputs = json.loads(emulator.layout.outputs.read_text())
    deployment = outputs["deployment"]
    return (
        emulator.client_environment
        | _credentials(emulator, outputs["roles"]["heatmap_workers"])
        | {
            "MEMORABILITY_HEATMAP_RETENTION_DAYS": "7",
            "MEMORABILITY_HEATMAPS_BUCKET": outputs["heatmaps_bucket"],
            "MEMORABILITY_JOBS_QUEUE_URL": deployment["jobs_queue_url"],
            "MEMORABILITY_RESULTS_TABLE": deployment["results_table"],
            "MEMORABILITY_STORE": str(emulator.layout.store),
            "MEMORABILITY_UPLOADS_BUCKET": deployment["uploads_bucket"],
            "POWERTOOLS_METRICS_NAMESPACE": "Memorability",
            "POWERTOOLS_SERVICE_NAME": "local-heatmap-workers",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
    )


def _credentials(emulator: Emulator, role_arn: str) -> dict[str, str]:
    answer: dict[str, Any] = emulator.client("sts").assume_role(
        RoleArn=role_arn, RoleSessionName="local-worker", DurationSeconds=_SESSION_SECONDS
    )
    found = answer["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": found["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": found["SecretAccessKey"],
        "AWS_SESSION_TOKEN": found["SessionToken"],
    }


def main() -> int:
    """Becomes the worker; returns an exit code where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Layout().root, help="where the platform keeps its things")
    arguments = parser.parse_args()
    port = int(os.environ.get("MEMORABILITY_LOCAL_PORT") or DEFAULT_PORT)
    try:
        _become_worker(worker_environment(Emulator(Layout(arguments.folder.resolve()), port)))
    except MemorabilityError as error:
        print(error, file=sys.stderr)
    return 1


def _become_worker(environment: Mapping[str, str]) -> NoReturn:
    os.chdir(ROOT)
    os.execve(sys.executable, [sys.executable, "-m", "gpu_worker"], os.environ | environment)


if __name__ == "__main__":
    sys.exit(main())
