"""The root of every error this project raises on purpose.

An entry point (command, Lambda handler, worker) catches `MemorabilityError`, shows its message as it is and maps it to
an exit code or a response; anything else is a defect and keeps its traceback.
"""


class MemorabilityError(Exception):
    """An expected failure whose message names the thing at fault, the limit it met and the remedy."""
