"""The worker as a process: `python -m gpu_worker`.

Everything it has to know is in its environment, see `gpu_worker.settings`; region and credentials are found as AWS's
own tools find them. It ends with 0 when it was drained, and with 2 where the environment does not fit.
"""

import os
import sys

from gpu_worker.settings import WorkerSettings
from gpu_worker.telemetry import start_logging
from model_store.settings import SettingsError

CONFIGURATION_ERROR = 2


def main() -> int:
    """Works, and returns the exit code."""
    logger = start_logging()
    try:
        settings = WorkerSettings.read(os.environ)
    except SettingsError as error:
        logger.error(str(error))
        return CONFIGURATION_ERROR
    if cache := os.environ.get("CACHE_DIRECTORY"):  # systemd's; what was compiled is found again after a restart
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", cache)
    from gpu_worker.wiring import run  # imports JAX, which reads the environment

    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
