"""Which of several processes this is, where ``torchrun`` has started them."""

import os


def is_first() -> bool:
    """Whether this is the only process, or the one of several that saves and speaks."""
    return os.environ.get("RANK", "0") == "0"


def count_here() -> int:
    """Tell how many processes there are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def count() -> int:
    """Tell how many processes there are on all machines."""
    return int(os.environ.get("WORLD_SIZE", 1))
