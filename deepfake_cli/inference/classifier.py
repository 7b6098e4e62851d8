"""Score faces with a trained classifier, and see what it saw where it paints a map of each face."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.core.face_parts import MODALITIES, FaceParts, parts_of_each
from deepfake_cli.errors import ModelError
from deepfake_cli.io.model_folder import PAINTING, ModelFolder

from .normalise import Normaliser
from .session import describe, open_session

INPUT, LOGITS, MAPS, HEAT, PARTS = "faces", "logits", "maps", "heat", "parts"
# Larger batches are not faster on a CPU, they only take memory: 3.3 ms a face from 1 to 8, 4.1 at 32.
BATCH = 8
# What a network that takes faces apart has behind its logits.
_RENDERED = (
    r", parts \(N, (?P<branches>[1-9]\d*)\) float, albedo \(N, 3, (?P<side>[1-9]\d*), (?P=side)\) float, "
    r"normals \(N, 3, (?P=side), (?P=side)\) float, shading \(N, 3, (?P=side), (?P=side)\) float, "
    r"shadow \(N, 1, (?P=side), (?P=side)\) float, lighting \(N, 9, 3\) float"
)
_SLACK = 1e-3  # beyond [0, 1] that rounding may lead in a map; more is not a map


class Explained(NamedTuple):
    """What a network says of faces.

    Attributes:
        scores: (N,) calibrated P(fake) in [0, 1].
        maps: (N, M, M, 3) in [0, 1], 0 for unchanged; None if it paints none.
        heat: (N, H, W) how much each place says for fake, on the scale of calibrated logits; None if it does
            not tell.
        parts: (N, K) what each branch adds to the calibrated logit; None if it is no sum of branches.
        rendered: What each of the N faces is made of; None if it does not take them apart.
    """

    scores: NDArray[np.float32]
    maps: NDArray[np.float32] | None
    heat: NDArray[np.float32] | None
    parts: NDArray[np.float32] | None = None
    rendered: list[FaceParts] | None = None


class Classifier:
    """A network that tells how likely a face is fake.

    Args:
        onnx: Path of the network: input ``faces`` (N, 3, S, S) float32 RGB, output ``logits`` (N,) float32.
            One that judges by maps has ``maps`` (N, 3, M, M) float32 in [0, 1] as well, one that tells
            where it looks ``heat`` (N, H, W) float32, whose mean is the logit, and one that takes faces apart
            ``parts`` (N, K) float32, what each of its branches adds to the logit, and what a renderer has.
        size: S, side of a face in pixels.
        mean: Red, green and blue subtracted from pixels on a scale of 0 to 1.
        std: Red, green and blue that pixels are divided by afterwards.
        temperature: Logits are divided by it before they become probabilities; above 0.
        threads: How many threads one call may use.
        branches: Names of the K branches of one that takes faces apart.

    Attributes:
        branches: Names of its branches; none if it does not take faces apart.
        map_size: M, side of the maps that it paints; 0 if it paints none.
        heat_shape: (H, W) of its heat; (0, 0) if it does not tell where it looks.

    Raises:
        ModelError: The network cannot be loaded, or has other inputs and outputs.
    """

    def __init__(
        self,
        onnx: Path,
        *,
        size: int,
        mean: ArrayLike,
        std: ArrayLike,
        temperature: float = 1.0,
        threads: int = 1,
        branches: Sequence[str] = (),
    ) -> None:
        self._session = open_session(onnx, threads)
        self._normalise = Normaliser(size, mean, std)
        self._temperature, self.branches = temperature, tuple(branches)
        self._shapes = self._check(onnx, size)
        self.map_size = self._shapes[MAPS][1]
        self.heat_shape = self._shapes[HEAT][0], self._shapes[HEAT][1]

    @classmethod
    def of(cls, model: ModelFolder, threads: int = 1) -> "Classifier":
        """Open the network of a model folder, as its `config.json` says.

        Raises:
            ModelError: The network cannot be loaded, or has other inputs and outputs than its method needs.
        """
        given, temperature = model.config.input, model.config.calibration.temperature
        classifier = cls(
            model.onnx,
            size=given.size,
            mean=given.mean,
            std=given.std,
            temperature=temperature,
            threads=threads,
            branches=model.config.branches,
        )
        method = model.config.method
        if (method in PAINTING) != bool(classifier.map_size):
            paints = "paints maps" if classifier.map_size else "paints no maps"
            raise ModelError(
                f"{model.onnx} does not fit its config.json: its method is {method}, and it {paints}"
            )
        (count,) = classifier._shapes[PARTS]
        if count != len(classifier.branches):
            raise ModelError(
                f"{model.onnx} does not fit its config.json: it has {count} parts, "
                f"not one for each of {len(classifier.branches)} branches"
            )
        return classifier

    def score(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Tell how likely each face is fake.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Returns:
            (N,) calibrated P(fake) in [0, 1].

        Raises:
            ModelError: The network answers with something that is not a number.
        """
        return self._calibrated(self.logits(faces))

    def score_and_paint(self, faces: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Tell how likely each face is fake, and return the maps that this rests on, in one run.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Returns:
            (N,) calibrated P(fake) in [0, 1], and (N, M, M, 3) maps in [0, 1], 0 for unchanged.

        Raises:
            ModelError: The network answers with something that is not a number, or beyond 0 to 1 in a map.
            ValueError: The network paints no maps.
        """
        if not self.map_size:
            raise ValueError("the network paints no maps")
        logits, maps = self._run((LOGITS, MAPS), faces)
        if not ((maps >= -_SLACK) & (maps <= 1 + _SLACK)).all():
            raise ModelError("the classifier paints something that is no map: values beyond 0 to 1")
        return self._calibrated(logits), maps.clip(0, 1).transpose(0, 2, 3, 1)

    def explain(self, faces: NDArray[np.uint8]) -> Explained:
        """Tell how likely each face is fake, with all that the network says of where, in one run.

        Args:
            faces: (N, S, S, 3) RGB; N may be 0.

        Raises:
            ModelError: The network answers with something that is not a number, or beyond 0 to 1 in a map; or
                its temperature makes such a thing of it.
        """
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # what comes of it is checked
            return check_finite(self._explain(faces))

    def _explain(self, faces: NDArray[np.uint8]) -> Explained:
        if self.map_size:
            scores, maps = self.score_and_paint(faces)
            return Explained(scores, maps, None)
        if self.branches:
            return self._take_apart(faces)
        if self.heat_shape == (0, 0):
            return Explained(self.score(faces), None, None)
        logits, heat = self._run((LOGITS, HEAT), faces)
        return Explained(self._calibrated(logits), None, heat / np.float32(self._temperature))

    def logits(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network: (N, S, S, 3) RGB faces in, (N,) logits out, above 0 for fake.

        Raises:
            ModelError: The network answers with something that is not a number.
        """
        (logits,) = self._run((LOGITS,), faces)
        return logits

    def preprocess(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn (N, S, S, 3) RGB faces into the (N, 3, S, S) input of the network."""
        return self._normalise(faces)

    def _take_apart(self, faces: NDArray[np.uint8]) -> Explained:
        logits, parts, *rendered = self._run((LOGITS, PARTS, *MODALITIES), faces)
        return Explained(
            self._calibrated(logits),
            None,
            None,
            parts / np.float32(self._temperature),
            parts_of_each(*rendered),
        )

    def _calibrated(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return probabilities(logits, self._temperature)

    def _run(self, outputs: tuple[str, ...], faces: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Run the network in batches; return the outputs that are asked for, each (N, ...)."""
        answers = [[np.empty((0, *self._shapes[name]), np.float32)] for name in outputs]
        for start in range(0, len(faces), BATCH):
            batch = self._session.run(outputs, {INPUT: self.preprocess(faces[start : start + BATCH])})
            for answer, part in zip(answers, batch, strict=True):
                answer.append(part)
        whole = [np.concatenate(answer) for answer in answers]
        if not all(np.isfinite(answer).all() for answer in whole):
            raise ModelError("the classifier answers with something that is not a number")
        return whole

    def _check(self, onnx: Path, size: int) -> dict[str, tuple[int, ...]]:
        """Refuse a network with other inputs or outputs; return the shapes for one face, 0 where absent."""
        wanted = f"{INPUT} (N, 3, {size}, {size}) float to {LOGITS} (N) float"
        found = f"{describe(self._session.get_inputs())} to {describe(self._session.get_outputs())}"
        maps = rf", {MAPS} \(N, 3, (?P<map>[1-9]\d*), (?P=map)\) float"
        heat = rf", {HEAT} \(N, (?P<high>[1-9]\d*), (?P<wide>[1-9]\d*)\) float"
        fit = re.fullmatch(f"{re.escape(wanted)}(?:{maps}|{heat}|{_RENDERED})?", found)
        if fit is None:
            raise ModelError(
                f"{onnx} does not fit its config.json: it maps {found}, not {wanted}, "
                f"alone or with {MAPS} (N, 3, M, M) float or {HEAT} (N, H, W) float, or with parts (N, K) "
                "float and what a renderer gives",
                "export it again, with the batch as its only free dimension",
            )
        given = {name: int(text or 0) for name, text in fit.groupdict().items()}
        plane = (given["side"], given["side"])
        return {
            LOGITS: (),
            MAPS: (3, given["map"], given["map"]),
            HEAT: (given["high"], given["wide"]),
            PARTS: (given["branches"],),
            **dict.fromkeys(("albedo", "normals", "shading"), (3, *plane)),
            "shadow": (1, *plane),
            "lighting": (9, 3),
        }


def check_finite(said: Explained) -> Explained:
    """Return what a network says, unless a number in it is none.

    Raises:
        ModelError: The network is sound, as its outputs were checked, but temperature or weights are not.
    """
    for told in (said.scores, said.heat, said.parts):
        if told is not None and not np.isfinite(told).all():
            raise ModelError(
                "the temperature or weights of the classifier lead beyond all numbers", "calibrate it anew"
            )
    return said


def probabilities(logits: NDArray[np.floating[Any]], temperature: float) -> NDArray[np.float32]:
    """Turn (N,) logits into calibrated P(fake) in [0, 1]."""
    x = logits.astype(np.float64) / temperature
    return ((1 + np.tanh(x / 2)) / 2).astype(np.float32)  # the sigmoid, without overflow
