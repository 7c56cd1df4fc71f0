"""The two kinds of CPU that Lambda offers."""

import platform
import shutil
from enum import StrEnum

from scripts.packaging.errors import PackagingError

# The Lambda runtime python3.13 is Amazon Linux 2023, with glibc 2.34 (AWS Lambda developer guide, "Lambda runtimes").
GLIBC = "2_34"
PYTHON = "3.13"

_MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}


class Architecture(StrEnum):
    """As Lambda and Terraform name them."""

    X86_64 = "x86_64"
    ARM64 = "arm64"

    @property
    def machine(self) -> str:
        """As Linux and wheels name it."""
        return _MACHINES[self.value]

    @property
    def wheel_platform(self) -> str:
        """The platform whose wheels fit, as `uv pip install --python-platform` names it."""
        return f"{self.machine}-manylinux_{GLIBC}"

    def find_strip(self) -> str:
        """The `strip` of binutils or LLVM that knows this machine's shared objects.

        Raises:
            PackagingError: there is none.
        """
        candidates = [f"{self.machine}-linux-gnu-strip", "llvm-strip"]
        if self.machine == platform.machine():
            candidates.insert(0, "strip")
        for name in candidates:
            if found := shutil.which(name):
                return found
        package = (
            "binutils" if self.machine == platform.machine() else f"binutils-{self.machine.replace('_', '-')}-linux-gnu"
        )
        raise PackagingError(
            f"Nothing here strips shared objects for {self} (tried {', '.join(candidates)}): "
            f"install binutils, e.g. with `apt-get install {package}`."
        )
