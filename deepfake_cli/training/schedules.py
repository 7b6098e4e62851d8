"""How the learning rate goes over a run, as a factor of its peak."""

import math
from dataclasses import dataclass

from deepfake_cli.settings import Schedule

_START, _END = 25.0, 1e4  # one-cycle begins at 1/25 of the peak and ends at 1/10,000 of that
_MOMENTA = (0.85, 0.95)  # one-cycle's momentum at the peak, and at both ends


def rate(schedule: Schedule, step: int, total: int, *, warmup: float, hold: float = 0.0) -> float:
    """Compute the factor of a step.

    Args:
        schedule: What ``plateau`` adds to its rise is in `Plateau`.
        step: Counted from 0.
        total: Steps of the whole run.
        warmup: Share of all steps in which the learning rate rises.
        hold: Share of all steps after which ``linear`` falls.
    """
    match schedule:
        case "cosine":
            return rise_and_fall(step, total, warmup)
        case "one-cycle":
            return one_cycle(step, total, warmup)
        case "linear":
            return min(rise_and_stay(step, total, warmup), fall_late(step, total, hold))
        case "plateau":
            return rise_and_stay(step, total, warmup)
        case "constant":
            return 1.0


def rise_and_fall(step: int, total: int, warmup: float) -> float:
    """Rise linearly over the share ``warmup`` of all steps, then fall along half a cosine."""
    rise = max(total * warmup, 1)
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * min((step - rise) / max(total - rise, 1), 1)))


def rise_and_stay(step: int, total: int, warmup: float) -> float:
    """Rise linearly over the share ``warmup`` of all steps, then stay."""
    return min((step + 1) / max(total * warmup, 1), 1.0)


def fall_late(step: int, total: int, hold: float) -> float:
    """Stay for the share ``hold`` of all steps, then fall linearly to 0, as the code of SBI does."""
    return min((total - step) / max(total * (1 - hold), 1), 1.0)


def one_cycle(step: int, total: int, rise: float) -> float:
    """Rise from 1/25 along half a cosine over the share ``rise`` of all steps, then fall to almost 0.

    Smith and Topin, "Super-Convergence", 2018, with the cosine of fast.ai; as torch's ``OneCycleLR``.
    """
    place, falling = _cycle_place(step, total, rise)
    return _cosine(1, 1 / _START / _END, place) if falling else _cosine(1 / _START, 1, place)


def one_cycle_momentum(step: int, total: int, rise: float) -> float:
    """Compute the momentum (Adam's first beta) beside ``one_cycle``: low where the rate is high."""
    place, falling = _cycle_place(step, total, rise)
    low, high = _MOMENTA
    return _cosine(low, high, place) if falling else _cosine(high, low, place)


def _cycle_place(step: int, total: int, rise: float) -> tuple[float, bool]:
    """Tell how far into the rise or the fall a step is, 0 to 1, and whether it is in the fall."""
    peak = rise * total - 1
    if step <= peak:
        return step / max(peak, 1), False
    return min((step - peak) / max(total - 1 - peak, 1), 1.0), True


def _cosine(start: float, end: float, place: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * place))


@dataclass
class Plateau:
    """Lowers the learning rate when a loss no longer falls, as torch's ``ReduceLROnPlateau``.

    Attributes:
        patience: Epochs without a lower loss that are put up with.
        by: What the rate is multiplied by then.
        best: Lowest loss so far.
        bad: Epochs since.
        factor: Of the learning rate now.
    """

    patience: int
    by: float
    best: float = math.inf
    bad: int = 0
    factor: float = 1.0

    def step(self, loss: float) -> None:
        """Take note of the loss of an epoch."""
        if loss < self.best * (1 - 1e-4):
            self.best, self.bad = loss, 0
            return
        self.bad += 1
        if self.bad > self.patience:
            self.bad = 0
            self.factor *= self.by
