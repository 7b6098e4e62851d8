"""What scores the faces of pictures: one classifier, or a stack, which adds up what several say."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfake_cli.core.faces import cut_face
from deepfake_cli.io.model_folder import ModelFolder, StackFolder

from .classifier import Classifier, Explained, check_finite, probabilities

Cuts = tuple[NDArray[np.uint8], ...]  # of one face: (S, S, 3) for each view, of that view's size


class View(NamedTuple):
    """How a network sees a face.

    Attributes:
        size: S, side of the cut in pixels.
        margin: Side of the square that is cut, relative to the longer side of the box.
    """

    size: int
    margin: float


class Scorer(ABC):
    """Scores faces that it cuts out of pictures itself.

    Attributes:
        views: How a face is cut, once for each way in which networks see it.
        map_size: Side of the maps that it paints; 0 if it paints none.
        heat_shape: (H, W) of its heat; (0, 0) if it does not tell where it looks.
        branches: Names of the parts that its logit is the sum of; none if it does not tell them.
    """

    views: tuple[View, ...]
    map_size = 0
    heat_shape = (0, 0)
    branches: tuple[str, ...] = ()

    def cut(self, picture: NDArray[np.uint8], box: ArrayLike) -> Cuts:
        """Cut a face out of a picture, as the networks see it.

        Args:
            picture: (H, W, 3) RGB.
            box: (4,) x0, y0, x1, y1 in pixels of the picture; may reach outside it.

        Returns:
            For each view an (S, S, 3) RGB face of that view's size.
        """
        return tuple(cut_face(picture, box, *view) for view in self.views)

    def score(self, faces: Sequence[Cuts]) -> NDArray[np.float32]:
        """Tell how likely each face is fake.

        Args:
            faces: N faces as they were cut; one or more.

        Returns:
            (N,) calibrated P(fake) in [0, 1].

        Raises:
            ModelError: A network answers with something that is not a number.
        """
        return self.explain(faces).scores

    @abstractmethod
    def logits(self, faces: Sequence[Cuts]) -> NDArray[np.float64]:
        """Tell how fake each face looks, before that is divided by the temperature of the model.

        Args:
            faces: N faces as they were cut; one or more.

        Returns:
            (N,) logits, above 0 for fake.

        Raises:
            ModelError: A network answers with something that is not a number.
        """

    @abstractmethod
    def explain(self, faces: Sequence[Cuts]) -> Explained:
        """Tell how likely each face is fake, with all that is known of why.

        Args:
            faces: N faces as they were cut; one or more.

        Raises:
            ModelError: A network answers with something that is not a number, or beyond 0 to 1 in a map; or
                temperatures and weights make such a thing of it.
        """


def open_scorer(model: ModelFolder, threads: int = 1) -> Scorer:
    """Open the network of a classifier, or the networks of all members of a stack.

    Args:
        model: Its folder; the members of a stack have been found.
        threads: How many threads one call may use; 0 for all cores.

    Raises:
        ModelError: A network cannot be loaded, or does not fit its `config.json`.
    """
    return Stack(model, threads) if isinstance(model, StackFolder) else Single(model, threads)


class Single(Scorer):
    """One classifier.

    Args:
        model: Its folder.
        threads: How many threads one call may use; 0 for all cores.

    Raises:
        ModelError: The network cannot be loaded, or does not fit its `config.json`.
    """

    def __init__(self, model: ModelFolder, threads: int = 1) -> None:
        self._classifier = Classifier.of(model, threads)
        self.views = (_view(model),)
        self.map_size, self.heat_shape = self._classifier.map_size, self._classifier.heat_shape
        self.branches = self._classifier.branches

    def score(self, faces: Sequence[Cuts]) -> NDArray[np.float32]:
        """Tell how likely each face is fake; the network computes nothing else."""
        return self._classifier.score(_of_view(faces, 0))

    def logits(self, faces: Sequence[Cuts]) -> NDArray[np.float64]:
        """Return (N,) logits of the network."""
        return self._classifier.logits(_of_view(faces, 0)).astype(np.float64)

    def explain(self, faces: Sequence[Cuts]) -> Explained:
        """Tell all that the network does."""
        return self._classifier.explain(_of_view(faces, 0))


class Stack(Scorer):
    """Several classifiers, whose calibrated logits are weighted and added up.

    The score is ``sigmoid((bias + sum of weight * logit / temperature of a member) / temperature)``; Wolpert,
    "Stacked generalization", Neural Networks 5 (1992).

    Args:
        model: The folder of the stack, whose members have been found.
        threads: How many threads one call may use; 0 for all cores.

    Raises:
        ModelError: A network cannot be loaded, or does not fit its `config.json`.
        ValueError: The members have not been found.
    """

    def __init__(self, model: StackFolder, threads: int = 1) -> None:
        told, config = model.members, model.config
        self._asked = [Classifier.of(member, threads) for member in told]
        self.views = tuple(dict.fromkeys(map(_view, told)))  # members that see faces alike share their cuts
        self._which = [self.views.index(_view(member)) for member in told]
        self._factors = [member.weight / member.temperature for member in config.members]
        self._bias, self._temperature = config.bias, config.calibration.temperature
        self.branches = tuple(member.model for member in config.members)

    def logits(self, faces: Sequence[Cuts]) -> NDArray[np.float64]:
        """Return (N,) what the members say, added up."""
        return np.asarray(self._bias + self._parts(faces).sum(axis=1), np.float64)

    def explain(self, faces: Sequence[Cuts]) -> Explained:
        """Tell the scores, and what each member adds to them."""
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # what comes of it is checked
            parts = self._parts(faces)
            scores = probabilities(self._bias + parts.sum(axis=1), self._temperature)
            said = Explained(scores, None, None, (parts / self._temperature).astype(np.float32), None)
        return check_finite(said)

    def _parts(self, faces: Sequence[Cuts]) -> NDArray[np.float64]:
        """Return (N, K) what each member adds to the logit."""
        each = [
            classifier.logits(_of_view(faces, which)).astype(np.float64) * factor
            for classifier, which, factor in zip(self._asked, self._which, self._factors, strict=True)
        ]
        return np.stack(each, axis=1)


def _view(model: ModelFolder) -> View:
    return View(model.config.input.size, model.config.input.margin)


def _of_view(faces: Sequence[Cuts], view: int) -> NDArray[np.uint8]:
    """Take the cuts of one view, (N, S, S, 3)."""
    return np.stack([cuts[view] for cuts in faces])
