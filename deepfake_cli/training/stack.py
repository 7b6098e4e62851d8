"""A stack: several classifiers whose calibrated logits are weighted and added up by a logistic regression.

Wolpert, "Stacked generalization", Neural Networks 5 (1992): weights are fitted to what the members say of
faces that they did not learn from, those of the split ``choose``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfake_cli.errors import DataError, UsageError
from deepfake_cli.inference.stack import open_scorer
from deepfake_cli.io.model_folder import STACKED, StackFolder
from deepfake_cli.io.model_folder import ModelFolder as ModelFolder  # what a member is
from deepfake_cli.io.workspace import write_folder
from deepfake_cli.progress import Track, untracked
from deepfake_cli.settings import ClassifierSettings

from .calibrate.fit import sigmoid
from .calibrate.write import refuse_existing, way_from
from .export import decide, write_config
from .measure.batches import batches, count_batches
from .measure.evaluate import FEWEST, datasets_of, read_all
from .measure.examples import examples_of, is_enough, quick_auc
from .measure.judged import Judged
from .measure.metrics import bootstrap
from .measure.overlap import carry_learned
from .stack_fit import Numbers, cross_validate, fit_weights, part_by_source
from .tables import FaceRow

_DIGITS = 4  # of a weight


@dataclass(frozen=True)
class Asked:
    """A classifier that is to be a member of a stack.

    Attributes:
        name: What the user calls it.
        reference: What finds it again: an embedded name, the path of a folder, or ``owner/name``.
        is_folder: Whether that is a path.
        folder: Its files.
    """

    name: str
    reference: str
    is_folder: bool
    folder: ModelFolder


@dataclass(frozen=True)
class Standing:
    """How well something orders the examples of the split.

    Attributes:
        name: A member, ``plain average`` or ``stack, cross-validated``.
        weight: Of a member in the stack; None for the others.
        auc: Over the examples.
        interval: 95 % interval of it, over sources.
    """

    name: str
    weight: float | None
    auc: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Stacked:
    """A stack that was made.

    Attributes:
        folder: Where it is.
        examples: ``videos``, or ``faces`` where there is one of each video.
        real: How many real examples there are.
        fake: How many fake ones.
        bias: What the logit begins with.
        standings: Of each member, of their plain average, and of the stack on sources that it was not fitted
            to.
    """

    folder: Path
    examples: str
    real: int
    fake: int
    bias: float
    standings: tuple[Standing, ...]


def stack(
    asked: Sequence[Asked],
    tables: Sequence[Path],
    splits: Sequence[str],
    output: Path,
    settings: ClassifierSettings,
    *,
    track: Track = untracked,
) -> Stacked:
    """Fit a stack of several classifiers, and write its folder.

    Every video counts the same in the fit, however many faces it has. Temperature, threshold and band follow
    from what is said of each face by a fit to faces of other sources: of its own it would seem too sure.

    Args:
        asked: The members, two or more, none of them a stack.
        tables: Whose faces are taken, all together; no member has learned from them.
        splits: Of the tables.
        output: The folder to write.
        settings: Seed of the folds, share of the scores that the band may hold, faces that a verdict needs.
        track: Shows the progress.

    Raises:
        DataError: A table or picture cannot be read, or there are too few examples of a class or sources.
        ModelError: A member cannot be loaded.
        OutputError: There is something in the way, or the folder cannot be written.
        UsageError: These cannot be members of a stack.
    """
    _refuse_unfit(asked)
    refuse_existing(output)
    rows = read_all(tables, splits)
    blank = Judged("", "+".join(splits), rows, np.zeros(len(rows)))
    part = examples_of(blank)
    real, fake = part.count()
    if not is_enough(part):
        words = f"{real} real and {fake} fake {part.name} are too few to fit a stack to"
        raise DataError(words, f"take at least {FEWEST} of each: add tables with --on")
    folds = part_by_source(rows, settings.seed)
    told = _ask(asked, rows, track)
    exact_bias, exact = fit_weights(told, rows)
    bias, weights = round(exact_bias, _DIGITS), exact.round(_DIGITS)
    held_out = cross_validate(told, rows, folds)
    standings = (
        *(_stand(one.name, blank, told[:, k], float(weights[k])) for k, one in enumerate(asked)),
        _stand("plain average", blank, told.mean(axis=1)),
        _stand("stack, cross-validated", blank, held_out),
    )
    labels = np.array([row.fake for row in rows], np.int64)
    source = f"{blank.split} of {' and '.join(datasets_of(tables))}: {_count(labels)}, cross-validated"
    decided = decide(labels, held_out, settings, source)
    with write_folder(output) as folder:
        carry_learned(folder, [one.folder.path for one in asked], tables, track=track)
        write_config(folder, _config(asked, tables, output, bias, weights) | decided)
    return Stacked(output, part.name, real, fake, bias, standings)


def _refuse_unfit(asked: Sequence[Asked]) -> None:
    if len(asked) < 2:
        raise UsageError("a stack asks two models or more", "name another model")
    for one in asked:
        if isinstance(one.folder, StackFolder):
            raise UsageError(f"{one.name} is a stack itself", "name its members")
    # What each adds is told by its name, so one model of the Hub cannot be two members either.
    for names in ({one.folder.path.resolve() for one in asked}, {one.reference for one in asked}):
        if len(names) < len(asked):
            raise UsageError("a model is named twice", "name each once: its weight says how much it counts")


def _ask(asked: Sequence[Asked], rows: Sequence[FaceRow], track: Track) -> Numbers:
    """Let every member judge every face: (N, K) calibrated logits."""
    scorers = [open_scorer(one.folder, threads=0) for one in asked]
    temperatures = [one.folder.config.calibration.temperature for one in asked]
    told = np.zeros((len(rows), len(asked)))
    for batch in track(batches(rows), "scoring", count_batches(rows)):
        inside = slice(batch.first, batch.first + len(batch.rows))
        for k, (scorer, temperature) in enumerate(zip(scorers, temperatures, strict=True)):
            cuts = [
                scorer.cut(picture, row.box) for picture, row in zip(batch.pictures, batch.rows, strict=True)
            ]
            told[inside, k] = scorer.logits(cuts) / temperature
    return told


def _stand(name: str, blank: Judged, logits: Numbers, weight: float | None = None) -> Standing:
    part = examples_of(replace(blank, scores=sigmoid(logits)))
    interval = bootstrap(quick_auc, part.labels, part.scores, part.sources)
    return Standing(name, weight, quick_auc(part.labels, part.scores), interval)


def _count(labels: NDArray[np.int64]) -> str:
    fake = int(labels.sum())
    return f"{len(labels) - fake} real and {fake} fake faces"


def _config(
    asked: Sequence[Asked], tables: Sequence[Path], output: Path, bias: float, weights: Numbers
) -> dict[str, Any]:
    configs = [one.folder.config for one in asked]
    learned = [name for config in configs for name in config.trained_on]
    given = configs[0].input
    return {
        "schema": 1,
        "name": re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9._-]+", "", output.resolve().name)[:96] or "stack",
        "task": "classifier",
        "method": STACKED,
        "architecture": f"stack of {', '.join(config.name for config in configs)}",
        "input": {
            "size": given.size,
            "margin": given.margin,
            "mean": list(given.mean),
            "std": list(given.std),
        },
        "members": [
            {
                "model": _reference(one, output),
                "revision": one.folder.revision,
                "temperature": one.folder.config.calibration.temperature,
                "weight": float(weight),
            }
            for one, weight in zip(asked, weights, strict=True)
        ],
        "bias": bias,
        "metrics": [],
        "trained_on": list(dict.fromkeys([*learned, *datasets_of(tables)])),
        "licence": "; ".join(dict.fromkeys(config.licence for config in configs)),
        "files": {},
    }


def _reference(one: Asked, output: Path) -> str:
    """Name a member as the stack does; a folder by the way to it from that of the stack."""
    return way_from(output, Path(one.reference)) if one.is_folder else one.reference
