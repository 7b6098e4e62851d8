"""How the learning rate goes over a run, as a factor of its peak."""

import math


def rise_and_fall(step: int, total: int, warmup: float) -> float:
    """Rise linearly over the share ``warmup`` of all steps, then fall along half a cosine."""
    rise = max(total * warmup, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1), 1)))


def rise_and_stay(step: int, total: int, warmup: float) -> float:
    """Rise linearly over the share ``warmup`` of all steps, then stay."""
    return min((step + 1) / max(total * warmup, 1), 1.0)
