"""The model card: prose by hand, numbers by machine."""

from pathlib import Path
from typing import Any

from deepfake_cli.io.files import write_atomically

_BEGIN, _END = "<!-- numbers: written by dfdetect -->", "<!-- end of numbers -->"
# What the Hub reads at the head of a card: https://huggingface.co/docs/hub/model-cards#model-card-metadata
_HEAD = """---
license: {licence}
library_name: dfdetect
pipeline_tag: {pipeline}
tags:
- dfdetect
- deepfake-detection
---

"""
_PIPELINES = {
    "classifier": "image-classification",
    "generator": "image-to-image",
    "renderer": "image-to-image",
}
_LICENCES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0")
_PROSE = """# {name}

What it was trained on, what it cannot do and the terms of its data belong here, in words.

"""


def write_card(path: Path, config: dict[str, Any]) -> None:
    """Write the numbers of a model into its card; what stands outside of their markers is kept.

    A card that does not begin with what the Hub reads of it gets such a head.

    Args:
        path: The card; made if missing.
        config: What ``config.json`` holds.
    """
    text = (
        path.read_text(encoding="utf-8") if path.exists() else _PROSE.format(**config) + f"{_BEGIN}\n{_END}\n"
    )
    if not text.startswith("---\n"):
        text = _head(config) + text
    before, _, rest = text.partition(_BEGIN)
    after = rest.partition(_END)[2] or "\n"
    with write_atomically(path) as file:
        file.write(f"{before}{_BEGIN}\n{_numbers(config)}{_END}{after}")


def _head(config: dict[str, Any]) -> str:
    """Name licence and task in the Hub's words; a licence that it has no word for is `other`."""
    licence = config["licence"].partition(";")[0].strip().lower()
    known = licence if licence in _LICENCES else "other"
    return _HEAD.format(licence=known, pipeline=_PIPELINES[config["task"]])


def _numbers(config: dict[str, Any]) -> str:
    lines = [
        *_networks(config),
        f"- Trained on: {', '.join(config['trained_on'])}",
        *_sights(config),
        *_choices(config),
        "",
        "| data set | split | measure | value | 95 % interval | real | fake |",
        "|---|---|---|---|---|---|---|",
    ]
    for m in config["metrics"]:
        interval = f"{m['interval'][0]:.3f} to {m['interval'][1]:.3f}"
        cells = [m["dataset"], m["split"], m["metric"], f"{m['value']:.3f}", interval, m["real"], m["fake"]]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _networks(config: dict[str, Any]) -> list[str]:
    """Say what the network is and how faces are cut for it, or which models a stack asks."""
    if members := config.get("members"):
        asked = [f"{one['model']} ({one['revision'][:12]}), weight {one['weight']:g}" for one in members]
        return [f"- Asks: {'; '.join(asked)}; bias {config['bias']:g}. Each cuts faces as it does by itself"]
    faces = config["input"]
    return [
        f"- Network: {config['architecture']}, faces of {faces['size']} px, cut as a square of "
        f"{faces['margin']} times the longer side of the detector's box"
    ]


def _sights(config: dict[str, Any]) -> list[str]:
    """Say what a classifier looks at, if it is what a renderer takes faces apart into."""
    if not config.get("branches"):
        return []
    return [f"- Looks at: {', '.join(config['branches'])}; by the renderer {config['renderer']}"]


def _choices(config: dict[str, Any]) -> list[str]:
    """Say how a classifier decides, or how large another model is."""
    if config["task"] != "classifier":
        return [f"- Width {config['shape']['width']}, depth {config['shape']['depth']}"]
    decision, calibration = config["decision"], config["calibration"]
    low, high = decision["uncertain"]
    return [
        f"- Temperature: {calibration['temperature']} ({calibration['source']})",
        f"- Threshold: {decision['threshold']} ({decision['source']}); UNCERTAIN from {low} to {high}",
    ]
