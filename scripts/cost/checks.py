"""The simulation beside what was measured: batches through the platform on an emulator."""

from dataclasses import dataclass, replace

from scripts.cost.measurements import MIB_PER_VCPU, PlatformRun
from scripts.cost.simulation import Setting, simulate
from scripts.cost.systems import SEED, Bills
from scripts.cost.workloads import one_batch

# The emulator takes photos as fast as they are sent, starts processes instead of virtual machines, and its volume is a
# folder in the page cache.
LOCAL_UPLOAD_SECONDS = 1.0
NO_VOLUME_MB_PER_SECOND = 1e6


@dataclass(frozen=True)
class Check:
    """A measured run and what the simulation makes of it."""

    run: PlatformRun
    simulated_seconds: float

    @property
    def ratio(self) -> float:
        """Simulated to the middle of what was measured."""
        return self.simulated_seconds / (sum(self.run.seconds) / 2)


def check(bills: Bills, run: PlatformRun) -> Check:
    """Simulates a run; its containers share the machine's cores evenly."""
    local = replace(bills.assumptions, start_seconds=0, volume_mb_per_second=NO_VOLUME_MB_PER_SECOND)
    memory = round(MIB_PER_VCPU * run.cores / run.containers)
    setting = Setting("queue", run.batch_size, run.containers, memory)
    uploads = one_batch(run.photos, LOCAL_UPLOAD_SECONDS)
    warm = run.containers if run.warm else 0
    outcome = simulate(uploads, setting, replace(bills, assumptions=local).speed(setting), local, seed=SEED, warm=warm)
    return Check(run, outcome.last)
