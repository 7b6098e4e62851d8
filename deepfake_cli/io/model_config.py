"""What the `config.json` of a model folder may say, schema 1; ``docs/model-folder.md`` explains every key."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepfake_cli.core.modalities import MODALITIES
from deepfake_cli.core.verdict import Aggregation

ONNX = "model.onnx"
# What a classifier may look at: the face, the map that a generator paints of it, or both; or what a renderer
# takes the face apart into: one modality, all five, or all five and the face.
Method = Literal[
    "plain",
    "mri",
    "fusion",
    "albedo",
    "normals",
    "shading",
    "shadow",
    "lighting",
    "modalities",
    "rgb-modalities",
]
FACE = "rgb"  # name of the branch that sees the face itself
Task = Literal["classifier", "generator", "renderer"]

# What may be listed in `files`: nothing that runs code when it is read, and no way out of the folder.
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(onnx|safetensors|json|md)$"

Text = Annotated[str, Field(min_length=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Triple = tuple[float, float, float]
Positive = Annotated[float, Field(gt=0)]


def branches_of(method: str) -> tuple[str, ...]:
    """Name what the branches of a classifier see, in order; none where it does not take faces apart."""
    if method in MODALITIES:
        return (method,)
    return {"modalities": MODALITIES, "rgb-modalities": (FACE, *MODALITIES)}.get(method, ())


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Input(_Part):
    """How a face becomes the network's input: ``(x / 255 - mean) / std``, RGB.

    Attributes:
        size: Side of the square face in pixels.
        margin: Side of the cut relative to the longer side of the detector's box.
        mean: Red, green, blue; on a scale of 0 to 1.
        std: Red, green, blue; on a scale of 0 to 1.
    """

    size: Annotated[int, Field(ge=32, le=1024)]
    margin: Annotated[float, Field(gt=0, le=4)]
    mean: Triple
    std: tuple[Positive, Positive, Positive]


class Calibration(_Part):
    """How a logit becomes a probability: ``sigmoid(logit / temperature)``.

    Attributes:
        temperature: Above 1 softens the scores, below 1 sharpens them.
        source: What the temperature was fitted on.
    """

    temperature: Positive
    source: Text


class Decision(_Part):
    """How scores become a verdict.

    Attributes:
        threshold: Scores from here on mean FAKE.
        source: How and on what the threshold was chosen.
        uncertain: Scores between these two are too near the threshold to call.
        aggregation: How the faces of one person make one score.
        minimum_faces: Faces that a person needs before the verdict may rest on them.
        crowd: Thresholds for two, three and more people, the last for all beyond; none to use one for all.
    """

    threshold: Probability
    source: Text
    uncertain: tuple[Probability, Probability]
    aggregation: Aggregation
    minimum_faces: Annotated[int, Field(ge=1)]
    crowd: tuple[Probability, ...] = ()

    @model_validator(mode="after")
    def _rises_with_people(self) -> Self:
        if list(self.crowd) != sorted(self.crowd) or self.crowd and self.crowd[0] < self.threshold:
            raise ValueError("the thresholds for several people do not rise from that for one")
        return self

    @model_validator(mode="after")
    def _band_holds_threshold(self) -> Self:
        low, high = self.uncertain
        if not low <= self.threshold <= high:
            raise ValueError("the uncertain band does not hold the threshold")
        return self


class Metric(_Part):
    """One number measured on one part of one data set.

    Attributes:
        dataset: Name of the data set.
        split: Which part of it.
        metric: What was measured, such as ``auc``.
        value: The measurement.
        interval: Lower and upper end of its 95 % bootstrap interval.
        real: How many real examples it rests on.
        fake: How many fake examples it rests on.
    """

    dataset: Text
    split: Text
    metric: Text
    value: float
    interval: tuple[float, float]
    real: Annotated[int, Field(ge=0)]
    fake: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> Self:
        if self.interval[0] > self.interval[1]:
            raise ValueError("the lower end of the interval lies above the upper one")
        return self


class Common(_Part):
    """What `config.json` says about any model, schema 1.

    Attributes:
        schema_version: Version of this layout; ``schema`` in the file.
        name: What the model is called where it is shown.
        architecture: Name of the network, as timm calls it, or ``unet``, ``mlp``, ``inverserendernet``; of a
            stack ``stack of`` and the names of its members.
        input: How faces enter.
        metrics: How well it does, where that was measured.
        trained_on: Names of the data sets that it learned from.
        licence: Terms of the weights, an SPDX identifier where there is one.
        files: Names in the folder, each with the SHA-256 of its content in hex.
    """

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$")]
    architecture: Text
    input: Input
    metrics: tuple[Metric, ...]
    trained_on: tuple[Text, ...]
    licence: Text
    files: dict[Annotated[str, Field(pattern=FILE_NAME)], Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]]

    @model_validator(mode="after")
    def _lists_the_network(self) -> Self:
        if self.has_network() and ONNX not in self.files:
            raise ValueError(f"files does not list {ONNX}")
        return self

    def has_network(self) -> bool:
        """Tell whether the model is a network of its own."""
        return True


class ModelConfig(Common):
    """What `config.json` says about a classifier.

    Attributes:
        task: What it does.
        method: What the classifier looks at.
        generator: Name and revision of the generator that is part of the network, if there is one.
        renderer: Name and revision of the renderer that is part of the network, if there is one.
        branches: What its branches see, in order, ``rgb`` for the face; none without a renderer.
        calibration: How logits become probabilities.
        decision: How probabilities become verdicts.
    """

    task: Literal["classifier"]
    method: Method = "plain"
    generator: Text | None = None
    renderer: Text | None = None
    branches: tuple[Text, ...] = ()
    calibration: Calibration
    decision: Decision

    @model_validator(mode="after")
    def _has_the_branches_of_its_method(self) -> Self:
        expected = branches_of(self.method)
        if self.branches != expected:
            raise ValueError(
                f"branches of the method {self.method} should be [{', '.join(expected)}], "
                f"not [{', '.join(self.branches)}]"
            )
        return self


class Member(_Part):
    """A classifier that a stack asks.

    Attributes:
        model: Name of an embedded model; path of a folder from that of the stack, which begins with a dot; or
            ``owner/name`` on the Hub.
        revision: Of the model; another one is refused.
        temperature: Of the model when the stack was made; its logit is divided by it.
        weight: Factor of what comes of that.
    """

    model: Text
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{12,40}$")]
    temperature: Positive
    weight: float

    @property
    def is_path(self) -> bool:
        """Whether it is named by the path of a folder."""
        return self.model.startswith(".")


class StackConfig(ModelConfig):
    """What `config.json` says about a stack: a classifier that adds up what several others say.

    Its logit is the bias plus the sum of the weighted logits of its members, each divided by its own
    temperature first. It has no network of its own; `input` is that of its first member.

    Attributes:
        method: What tells it from a classifier with a network.
        members: Whom it asks, two or more, no name twice.
        bias: What its logit begins with.
    """

    method: Literal["all"]  # type: ignore[assignment]  # no method of a network
    members: Annotated[tuple[Member, ...], Field(min_length=2)]
    bias: float

    @model_validator(mode="after")
    def _asks_each_once(self) -> Self:
        names = [member.model for member in self.members]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"members has {', '.join(twice)} twice: each is told by its name")
        return self

    def has_network(self) -> bool:
        """Tell that it has none."""
        return False


class Shape(_Part):
    """How large a generator or a renderer is.

    Attributes:
        width: Channels where they are fewest: of a generator at half resolution, of a renderer at full.
        depth: How often the resolution is halved.
    """

    width: Annotated[int, Field(ge=1)]
    depth: Annotated[int, Field(ge=2, le=10)]


class GeneratorConfig(Common):
    """What `config.json` says about a generator of maps.

    Attributes:
        task: What it does.
        shape: How large it is.
    """

    task: Literal["generator"]
    shape: Shape


class RendererConfig(Common):
    """What `config.json` says about a renderer, which takes faces apart into what their pictures are made of.

    Attributes:
        task: What it does.
        shape: How large it is.
    """

    task: Literal["renderer"]
    shape: Shape


AnyConfig = ModelConfig | GeneratorConfig | RendererConfig
