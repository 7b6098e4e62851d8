import platform
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import numpy as np
from deepfake_cli.training.memory import keep_memory

if sys.argv[1] == "keep":
    assert keep_memory()
for step in range(30):
    if step == 10:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**25, np.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_freed_memory_is_used_again_without_asking_the_kernel() -> None:
    faults = {
        how: int(subprocess.run([sys.executable, "-c", _FAULTS, how], capture_output=True, check=True).stdout)
        for how in ("keep", "hand back")
    }
    assert faults["keep"] < faults["hand back"] / 10
