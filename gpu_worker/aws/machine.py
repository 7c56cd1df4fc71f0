"""The machine that the worker runs on: an EC2 instance of an auto scaling group, or any other."""

import json
import logging
from dataclasses import dataclass
from typing import Any, final

from gpu_worker.aws.metadata import Metadata, NoMetadataError
from gpu_worker.ports import Machine

logger = logging.getLogger(__name__)

# EC2 user guide, "Spot Instance interruption notices"; EC2 Auto Scaling user guide, "Retrieve the target lifecycle
# state through instance metadata".
INTERRUPTION = "spot/instance-action"
TARGET_STATE = "autoscaling/target-lifecycle-state"
ENDING_STATES = frozenset({"Terminated"})


@dataclass(frozen=True)
class Fleet:
    """An auto scaling group, and its hook that waits for a worker before its instance ends."""

    group: str
    hook: str


@final
class LoneMachine:
    """The `Machine` that no fleet has a say over."""

    def notice(self) -> str | None:
        """Nobody takes it away."""
        return None

    def protect(self, *, busy: bool) -> None:
        """Nobody to be protected from."""

    def release(self) -> None:
        """Nobody waits."""


@final
class FleetInstance:
    """The `Machine` of an auto scaling group; what AWS refuses or does not answer is logged, and costs no job."""

    def __init__(self, metadata: Metadata, autoscaling: Any, fleet: Fleet, instance_id: str) -> None:
        self._metadata = metadata
        self._autoscaling = autoscaling
        self._fleet = fleet
        self._instance_id = instance_id
        self._is_protected: bool | None = None
        self._is_awaited = False

    def notice(self) -> str | None:
        """A spot interruption, or the group's wish to end the instance."""
        try:
            if action := self._metadata.get(INTERRUPTION):
                return f"the spot instance is interrupted: {_described(action)}"
            if self._metadata.get(TARGET_STATE) in ENDING_STATES:
                self._is_awaited = True
                return f"{self._fleet.group} ends this instance"
        except OSError as error:
            logger.warning("nobody knows whether this instance is going to end: %s", error)
        return None

    def protect(self, *, busy: bool) -> None:
        """Sets or takes off the protection from scale-in, where that changes anything."""
        if busy == self._is_protected:
            return
        try:
            self._autoscaling.set_instance_protection(
                InstanceIds=[self._instance_id], AutoScalingGroupName=self._fleet.group, ProtectedFromScaleIn=busy
            )
            self._is_protected = busy
        except Exception as error:  # of an instance that is ending, among others, which cannot be protected any more
            logger.warning("protection from scale-in could not be set to %s: %s", busy, error)

    def release(self) -> None:
        """Lets the group end the instance, where it waits for that."""
        if not self._is_awaited:
            return
        try:
            self._autoscaling.complete_lifecycle_action(
                LifecycleHookName=self._fleet.hook,
                AutoScalingGroupName=self._fleet.group,
                InstanceId=self._instance_id,
                LifecycleActionResult="CONTINUE",
            )
        except Exception as error:  # the group goes on by itself when the hook's time is over
            logger.warning("%s could not be told that this instance may end: %s", self._fleet.group, error)


def find_machine(metadata: Metadata | None, fleet: Fleet | None, autoscaling: Any) -> Machine:
    """The machine that this is.

    Args:
        metadata: EC2's metadata service, None where it is not to be asked.
        fleet: the group that the environment names, None where it names none.
        autoscaling: a client.
    """
    if metadata is None or fleet is None:
        return LoneMachine()
    try:
        instance_id = metadata.get("instance-id")
    except NoMetadataError as error:
        logger.info("this is no EC2 instance: %s", error)
        return LoneMachine()
    return FleetInstance(metadata, autoscaling, fleet, instance_id) if instance_id else LoneMachine()


def _described(action: str) -> str:
    try:
        return f"{json.loads(action)['action']} at {json.loads(action)['time']}"
    except (ValueError, KeyError, TypeError):
        return action
