"""Loads published models once a process and scores with them: mapped parameters, compiled executables, batches.

Importing this package puts the instruction cap of this machine into XLA_FLAGS, because XLA reads its flags once, when
its backend starts; a cap that is there already stays.
"""

from model_store.runtime.target import cap_instructions

cap_instructions()
