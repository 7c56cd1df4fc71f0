"""Puts the worker together from what its environment says."""

import logging
import os
import signal
from datetime import timedelta
from threading import Event

from aws_lambda_powertools import Metrics

from gpu_worker.aws import clients
from gpu_worker.aws.machine import Fleet, find_machine
from gpu_worker.aws.metadata import Metadata
from gpu_worker.aws.queue import SqsQueue
from gpu_worker.device import Device
from gpu_worker.draining import Draining
from gpu_worker.explaining import StoreExplainers
from gpu_worker.holding import Holding
from gpu_worker.photos import PhotoReader
from gpu_worker.ports import Machine, Surroundings
from gpu_worker.settings import WorkerSettings
from gpu_worker.settling import Settling
from gpu_worker.sizing import BatchLimits
from gpu_worker.supply import Supply
from gpu_worker.telemetry import EmbeddedMetrics
from gpu_worker.worker import Worker
from model_store.aws.objects import Objects
from model_store.aws.table import Table
from model_store.heatmap_scales import SharedScales
from model_store.images import ImageLimits
from model_store.store import ModelStore

logger = logging.getLogger(__name__)


def run(settings: WorkerSettings) -> None:
    """Works until a signal or a notice ends it; after a notice, waits for the machine to go."""
    told_to_end = Event()
    machine = _machine(settings)
    counters = EmbeddedMetrics(Metrics())
    queue = SqsQueue(clients.sqs_client(), settings.jobs_queue_url)
    holding = Holding(queue)

    def end_overdue() -> None:
        try:
            logger.error("the device is still busy: %d jobs are left to others", holding.give_back_all())
            machine.release()
        finally:
            os._exit(0)

    draining = Draining(machine, end_overdue)

    def on_signal(number: int, _frame: object) -> None:
        told_to_end.set()
        draining.begin(signal.Signals(number).name)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    with holding, draining:
        _worker(settings, queue, holding, machine, counters, draining).run()
    machine.release()
    # systemd would start the next worker on a machine that is going to be taken away.
    told_to_end.wait()


def _machine(settings: WorkerSettings) -> Machine:
    group, hook = settings.autoscaling_group, settings.termination_hook
    fleet = Fleet(group, hook) if group and hook else None
    return find_machine(Metadata.of_environment(), fleet, clients.autoscaling_client())


def _worker(
    settings: WorkerSettings,
    queue: SqsQueue,
    holding: Holding,
    machine: Machine,
    counters: EmbeddedMetrics,
    draining: Draining,
) -> Worker:
    device = Device.find()
    logger.info(
        "computing on %s, %.1f GB, %d photos at a time", device.kind, device.memory_bytes / 1e9, device.batch_size
    )
    s3 = clients.s3_client()
    table = Table(clients.dynamodb_client(), settings.results_table)
    reader = PhotoReader(
        Objects(s3, settings.uploads_bucket),
        table,
        ImageLimits(settings.max_image_bytes, settings.max_image_pixels),
        timedelta(days=settings.heatmap_retention_days),
    )
    settling = Settling(queue, holding, Objects(s3, settings.heatmaps_bucket), table, reader, counters)
    explainers = StoreExplainers(ModelStore(settings.store), device, counters)
    surroundings = Surroundings(queue, machine, explainers, counters)
    limits = BatchLimits(device.batch_size)
    supply = Supply(surroundings, holding, reader, settling, limits, draining)
    return Worker(surroundings, supply, holding, settling, SharedScales(table), limits, draining)
