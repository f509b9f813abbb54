"""Whether a launcher has started this process among others."""

from __future__ import annotations

import os

from wavegen.core.errors import InputError

SET = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # by torchrun and accelerate launch


def launched() -> int:
    """How many processes do this work together; 1 without a launcher.

    Raises:
        InputError: the launcher's variables are no numbers.
    """
    if not all(os.environ.get(name) for name in SET):
        return 1
    if not (os.environ["RANK"].isdecimal() and os.environ["WORLD_SIZE"].isdecimal()):
        raise InputError(
            f"RANK={os.environ['RANK']} and WORLD_SIZE={os.environ['WORLD_SIZE']} in the environment are not whole "
            "numbers; unset them, or let torchrun set them"
        )
    return int(os.environ["WORLD_SIZE"])
