"""Runs a job of SageMaker: `python -m training.sagemaker [--name NAME] [--hyperparameter VALUE …]`."""

import logging
import os
import sys

from training.sagemaker.job import run

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("absl").setLevel(logging.WARNING)
    sys.exit(run(sys.argv[1:], os.environ))
