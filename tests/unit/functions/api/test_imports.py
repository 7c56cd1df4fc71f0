"""What the API's function imports: a cold start pays for all of it."""

import os
import subprocess
import sys
from pathlib import Path

HEAVY = {"jax", "jaxlib", "flax", "numpy", "PIL", "jaxtyping", "ml_dtypes"}
SETTINGS = {
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "MEMORABILITY_RECORD_RETENTION_DAYS": "90",
    "MEMORABILITY_UPLOAD_RETENTION_DAYS": "90",
    "POWERTOOLS_SERVICE_NAME": "api",
    "POWERTOOLS_METRICS_NAMESPACE": "Memorability",
} | {f"MEMORABILITY_{name}": "x" for name in ("STORE", "RESULTS_TABLE", "UPLOADS_BUCKET", "HEATMAPS_BUCKET")}


def test_the_function_starts_without_networks_and_pictures() -> None:
    program = "import sys, functions.api.handler; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[4],
        env=os.environ | SETTINGS,
    )
    assert set(done.stdout.split()) & HEAVY == set()


def test_the_logic_knows_no_boto3() -> None:
    program = "import sys, functions.api.app; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[4]
    )
    assert "boto3" not in done.stdout.split()  # Powertools itself brings botocore
