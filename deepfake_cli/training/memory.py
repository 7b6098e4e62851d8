"""Memory that a process keeps for its next step instead of handing it back."""

import ctypes
import platform

# Parameters of glibc, from mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_AT_ONCE = 256 * 2**20  # bytes by which the heap grows


def keep_memory() -> bool:
    """Let this process keep what it frees, and its children; it takes as much as its largest step needs.

    A training step on a CPU frees gigabytes that the next one asks for again. glibc hands large blocks back
    to the kernel, which must then clear every page of them anew: up to half of the step. C libraries other
    than glibc are left as they are.

    Returns:
        Whether the C library was told.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return all((mallopt(_MMAP_MAX, 0), mallopt(_TRIM_THRESHOLD, -1), mallopt(_TOP_PAD, _AT_ONCE)))
