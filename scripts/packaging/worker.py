"""The bundle of the heatmap workers: our code, all that it imports and, for GPUs, NVIDIA's libraries."""

import shutil
from collections.abc import Callable
from pathlib import Path

from scripts.packaging import limits
from scripts.packaging.architecture import Architecture
from scripts.packaging.archives import file_sha256, unpacked_bytes, write_tarball
from scripts.packaging.bytecode import compile_modules
from scripts.packaging.dependencies import ROOT, install, worker_requirements
from scripts.packaging.lambdas import SHARED_PACKAGE, WORKER_BUNDLE
from scripts.packaging.limits import Size
from scripts.packaging.manifest import Manifest, bundle_entry
from scripts.packaging.trimming import AWS_SERVICES, strip_shared_objects, trim

WORKER_PACKAGE = "gpu_worker"
_WORKER_SERVICES = AWS_SERVICES | {"autoscaling"}

type Report = Callable[[str], None]


def package_worker(architecture: Architecture, out: Path, report: Report, *, cuda: bool) -> Size:
    """Builds the bundle into a folder, beside the functions' packages, and adds it to their manifest.

    Args:
        architecture: of the instances.
        out: the folder.
        report: told of each step.
        cuda: whether the workers have GPUs; without them the bundle is a tenth as large.

    Returns:
        How large it is, unpacked.

    Raises:
        PackagingError: a tool is missing, or a package has no wheel for this architecture.
    """
    work = out / ".work-worker"
    shutil.rmtree(work, ignore_errors=True)
    folder = work / "runtime"
    report("Fetching the workers' dependencies" + (", CUDA among them: 3 GB" if cuda else ""))
    install(worker_requirements(cuda=cuda), architecture, folder)
    for package in (SHARED_PACKAGE, WORKER_PACKAGE):
        shutil.copytree(ROOT / package, folder / package)
    report("Stripping and compiling them")
    trim(folder, _WORKER_SERVICES)
    strip_shared_objects(folder, architecture)
    compile_modules(folder)
    report("Archiving them" + (", which takes minutes" if cuda else ""))
    archive = write_tarball(folder, out, "worker")
    unpacked = unpacked_bytes(folder)
    shutil.rmtree(work)
    Manifest(out).add(WORKER_BUNDLE, bundle_entry(archive, file_sha256(archive), unpacked))
    limit = limits.CUDA_BUNDLE if cuda else limits.WORKER_BUNDLE
    return Size("worker bundle, unpacked", unpacked, limit)
