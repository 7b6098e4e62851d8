"""Draw augmentations at random, out of the ranges of the profile."""

import hashlib
from typing import Any

import numpy as np

from deepfake_cli.core.distractions import random_place, random_text
from deepfake_cli.settings import AugmentSettings

from .augmentations import ENTRY, Augmentation, Entries


def draw_entries(name: str, settings: AugmentSettings, seed: int) -> Entries:
    """Draw what is done to one original: nothing, or a random combination.

    It depends on the name, the settings and the seed, and on no other video.
    """
    rng = np.random.default_rng([seed, *_numbers(name)])
    if rng.random() >= settings.share:
        return ()
    most = min(settings.most, len(settings.kinds))
    picked = rng.choice(len(settings.kinds), int(rng.integers(1, most + 1)), replace=False)
    return tuple(draw_entry(settings.kinds[i], settings, rng) for i in sorted(picked.tolist()))


def draw_entry(kind: str, settings: AugmentSettings, rng: np.random.Generator) -> Augmentation:
    """Draw the parameters of one kind of augmentation."""
    motion, _, thing = kind.partition("-")
    if thing:
        return ENTRY.validate_python({"kind": kind, **_drawn_distraction(motion, thing, settings, rng)})
    values: dict[str, Any] = {}
    if kind == "noise":
        values = drawn_noise(settings.noises[rng.integers(len(settings.noises))], settings, rng)
    elif kind == "rescale":
        values = {"size": settings.sizes[rng.integers(len(settings.sizes))]}
    elif kind == "blur":
        values = {"kernel": _whole(settings.blur, rng)}
    elif kind == "rotation":
        values = {"degrees": _between(settings.rotation, rng, 1)}
    elif kind in ("contrast", "brightness"):
        values = {"amount": _whole(getattr(settings, kind), rng)}
    return ENTRY.validate_python({"kind": kind, **values})


def drawn_noise(noise: str, settings: AugmentSettings, rng: np.random.Generator) -> dict[str, Any]:
    """Draw the parameters of one kind of noise."""
    if noise in ("gaussian", "speckle", "local-variance"):
        strength = {"variance": _between(settings.noise_variance, rng, 4)}
    elif noise == "poisson":
        strength = {"peak": _between(settings.noise_peak, rng, 1)}
    else:
        strength = {"amount": _between(settings.noise_amount, rng, 4)}
    return {"noise": noise, **strength, "seed": _seed(rng)}


def _drawn_distraction(
    motion: str, thing: str, settings: AugmentSettings, rng: np.random.Generator
) -> dict[str, Any]:
    text = thing == "text"
    if motion == "spontaneous":
        sizes = {"heights": list(settings.text_height)} if text else {"sizes": list(settings.shape_sizes)}
        rate = _between(settings.rate, rng, 2)
        colours = list(settings.colours)
        return {**sizes, "rate": rate, "slot": settings.slot, "colours": colours, "seed": _seed(rng)}
    x, y = random_place(rng)
    values: dict[str, Any] = {
        "colour": settings.colours[rng.integers(len(settings.colours))],
        "x": x,
        "y": y,
    }
    if text:
        values |= {"text": random_text(rng), "height": _between(settings.text_height, rng, 3)}
    else:
        values["shape"] = ("circle", "rectangle")[rng.integers(2)]
        values["size"] = settings.shape_sizes[rng.integers(len(settings.shape_sizes))]
    if motion == "rolling":
        values["direction"] = ("left", "right", "up", "down")[rng.integers(4)]
        values["speed"] = _between(settings.speed, rng, 3)
    return values


def _numbers(name: str) -> list[int]:
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).digest()
    return [int(number) for number in np.frombuffer(digest[:16], "<u4")]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(0, 2**32))


def _whole(ends: tuple[int, int], rng: np.random.Generator) -> int:
    return int(rng.integers(ends[0], ends[1] + 1))


def _between(ends: tuple[float, float], rng: np.random.Generator, digits: int) -> float:
    return min(max(round(float(rng.uniform(*ends)), digits), ends[0]), ends[1])
