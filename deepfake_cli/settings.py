"""What the profile may say: one model a section of `default.toml`, one field a key, no default anywhere.

The meaning, unit and range that people read stand beside each key in `default.toml`.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

Count = Annotated[int, Field(ge=1)]
CountOrOff = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(gt=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Unwelcome = Literal["fake", "uncertain", "no-face", "unreadable"]

# What augmentations may be asked for, by the profile and by a plan.
AugmentationKind = Literal[
    "rotation",
    "flip",
    "rescale",
    "contrast",
    "brightness",
    "blur",
    "noise",
    "static-text",
    "rolling-text",
    "spontaneous-text",
    "static-shape",
    "rolling-shape",
    "spontaneous-shape",
]
NoiseKind = Literal["gaussian", "speckle", "salt", "pepper", "salt-and-pepper", "poisson", "local-variance"]
Colour = Literal["red", "green", "blue", "white", "black"]
Portion = Annotated[float, Field(gt=0, le=1)]
Photons = Annotated[float, Field(ge=1, le=1e6)]
BlurKernel = Annotated[int, Field(ge=1, le=99)]
ContrastAmount = Annotated[int, Field(ge=-127, le=127)]
BrightnessAmount = Annotated[int, Field(ge=-255, le=255)]
Degrees = Annotated[float, Field(ge=-180, le=180)]
Speed = Annotated[float, Field(ge=0, le=10)]
FrameSize = Annotated[str, Field(pattern=r"^[1-9]\d{0,3}[02468]x[1-9]\d{0,3}[02468]$")]

Momentum = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
PerceptualKind = Literal["ssim", "ms-ssim", "gmsd", "ms-gmsd", "haarpsi"]
MapKind = Literal["ssim", "ms-ssim", "gms", "absolute", "colour"]
ForgeryKind = Literal["self-blend", "warp-rectangle", "warp-hull"]
TreatmentKind = Literal[
    "world", "none", "mirror", "mri-gan-simple", "mri-gan-complex", "dessa", "sbi"
]  # what faces go through before a classifier sees them while it learns
Schedule = Literal["cosine", "one-cycle", "linear", "plateau", "constant"]
Level = Literal["label", "source", "method", "video"]
Enlargement = Annotated[float, Field(ge=0.05, le=4)]


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("the first end of a range must not be above the second")
    return ends


_ASCENDING = AfterValidator(_ascending)


class Section(BaseModel):
    """What all sections share: fixed once read, no unknown keys, no infinities."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ScanSettings(Section):
    """How files are sampled, by what they are judged, and how the work is spread."""

    model: Annotated[str, Field(min_length=1)]
    frames: CountOrOff
    every: CountOrOff
    burst: Count
    burst_seconds: Seconds
    burst_beyond: Annotated[float, Field(ge=0)]
    seek_beyond: Seconds
    jobs: CountOrOff
    timeout: Seconds
    fail_on: tuple[Unwelcome, ...]


class DetectorSettings(Section):
    """How faces are sought in a frame."""

    short_side: CountOrOff
    min_face: Annotated[int, Field(ge=12)]
    thresholds: tuple[Share, Share, Share]
    probability: Share


class TrackerSettings(Section):
    """How faces are joined to people."""

    cut: Annotated[float, Field(gt=0, le=1)]
    flash_seconds: Annotated[float, Field(ge=0)]
    gap_seconds: Annotated[float, Field(ge=0)]
    gap_frames: CountOrOff
    reach: Annotated[float, Field(ge=0)]
    place_seconds: Seconds
    likeness_near: Share
    likeness_far: Share


class ClassifierSettings(Section):
    """What a classifier is, how it learns, and how its threshold is set."""

    input: Literal[
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
    generator: Annotated[str, Field(min_length=1)]
    renderer: Annotated[str, Field(min_length=1)]
    architecture: Annotated[str, Field(min_length=1)]
    depth: Count
    start: Annotated[str, Field(min_length=1)]
    head: Literal["linear", "mri-gan", "dessa"]
    hidden: CountOrOff
    dropout: Momentum
    size: Annotated[int, Field(ge=32)]
    margin: Annotated[float, Field(gt=0)]
    mean: tuple[float, float, float]
    std: tuple[Positive, Positive, Positive]
    treatment: TreatmentKind
    alike: bool
    mix: Literal["base", "augment", "both"]
    sample: Annotated[float, Field(gt=0, le=1)]
    balance: tuple[Level, ...]
    class_weights: tuple[Positive, Positive]
    smoothing: Momentum
    pairs: CountOrOff
    epochs: Count
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    accumulate: Count
    optimizer: Literal["adamw", "adam", "sgd"]
    sam: Annotated[float, Field(ge=0)]
    momentum: Momentum
    learning_rate: Positive
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Schedule
    warmup: Share
    hold: Share
    plateau_patience: CountOrOff
    plateau_factor: Annotated[float, Field(gt=0, lt=1)]
    clip: Annotated[float, Field(ge=0)]
    freeze: tuple[Annotated[str, Field(min_length=1)], ...]
    thaw: CountOrOff
    average: Share
    patience: CountOrOff
    precision: Literal["auto", "32-true", "bf16-mixed"]
    accelerator: Literal["auto", "cpu", "cuda", "mps"]
    pack: bool
    workers: CountOrOff
    seed: CountOrOff
    abstain: Annotated[float, Field(ge=0, le=0.15)]
    minimum_faces: Count

    @model_validator(mode="after")
    def _has_a_hidden_layer(self) -> Self:
        if self.head == "mri-gan" and not self.hidden:
            raise ValueError("the head mri-gan has a hidden layer: classifier.hidden must be 1 or more")
        return self

    @model_validator(mode="after")
    def _joins_branches_by_linear_heads(self) -> Self:
        if self.input not in ("plain", "mri", "fusion") and self.head != "linear":
            raise ValueError(f"the input {self.input} has linear heads alone: classifier.head must be linear")
        return self


class FakesSettings(Section):
    """Where the fakes come from that a classifier learns by."""

    labelled: Annotated[float, Field(ge=0)]
    self_blend: Annotated[float, Field(ge=0)]
    warp_rectangle: Annotated[float, Field(ge=0)]
    warp_hull: Annotated[float, Field(ge=0)]
    beside: Share
    forged_beside: Share

    @model_validator(mode="after")
    def _has_fakes(self) -> Self:
        if not (self.labelled or self.self_blend or self.warp_rectangle or self.warp_hull):
            raise ValueError("one of the kinds of fakes needs a weight above 0")
        return self


class CalibrateSettings(Section):
    """How the threshold of a trained classifier is set anew."""

    rule: Literal["balanced", "fpr", "cost"]
    fpr: Annotated[float, Field(ge=0, lt=1)]
    cost_missed: Positive
    cost_false_alarm: Positive


class GanSettings(Section):
    """How a generator of maps is trained."""

    architecture: Annotated[str, Field(min_length=1)]
    start: Literal["imagenet", "scratch"]
    width: Count
    depth: Annotated[int, Field(ge=2, le=10)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    discriminator_width: Count
    discriminator_depth: Annotated[int, Field(ge=1, le=8)]
    size: Annotated[int, Field(ge=32, le=1024)]
    margin: Annotated[float, Field(gt=0, le=4)]
    metric: MapKind
    perceptual: PerceptualKind
    fidelity: Annotated[float, Field(ge=0)]
    tau: Share
    labelled: Share
    beside: Share
    treatment: Literal["damage", "mirror"]
    pairs: CountOrOff
    epochs: Count
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    learning_rate: Positive
    betas: tuple[Momentum, Momentum]
    warmup: Share
    schedule: Literal["cosine", "constant"]
    clip: Annotated[float, Field(ge=0)]
    average: Momentum
    precision: Literal["32-true", "bf16-mixed"]
    judged: CountOrOff
    samples: Count
    keep: CountOrOff
    workers: CountOrOff
    seed: CountOrOff

    @model_validator(mode="after")
    def _halves_evenly(self) -> Self:
        if self.size % 2**self.depth or self.size % 2**self.discriminator_depth:
            raise ValueError("gan.size must be a multiple of 2 to the power of both depths")
        return self


class RendererSettings(Section):
    """How a renderer that takes faces apart is trained."""

    architecture: Annotated[str, Field(min_length=1)]
    start: Literal["imagenet", "scratch"]
    width: Count
    depth: Annotated[int, Field(ge=2, le=10)]
    size: Annotated[int, Field(ge=32, le=1024)]
    margin: Annotated[float, Field(gt=0, le=4)]
    reconstruction: Weight
    albedo_smoothness: Weight
    light_smoothness: Weight
    white: Weight
    mirrored: Weight
    relit: Weight
    normals: Weight
    faces: Annotated[int, Field(ge=2, multiple_of=2)]
    epochs: Count
    batch: Annotated[int, Field(ge=2, multiple_of=2)]
    learning_rate: Positive
    warmup: Share
    clip: Weight
    average: Momentum
    precision: Literal["32-true", "bf16-mixed"]
    judged: CountOrOff
    heads: Count
    samples: Count
    keep: CountOrOff
    workers: CountOrOff
    seed: CountOrOff

    @model_validator(mode="after")
    def _halves_evenly(self) -> Self:
        if self.size % 2**self.depth:
            raise ValueError("renderer.size must be a multiple of 2 to the power of renderer.depth")
        return self

    @model_validator(mode="after")
    def _fills_a_batch(self) -> Self:
        if self.faces < self.batch:
            raise ValueError("renderer.faces must be renderer.batch or more")
        return self


class PredictSettings(Section):
    """What paints maps of faces, and in which frames."""

    model: Annotated[str, Field(min_length=1)]
    frames: CountOrOff


class ModalitiesSettings(Section):
    """What takes faces apart."""

    renderer: Annotated[str, Field(min_length=1)]


class DataSettings(Section):
    """How every stage of the data pipeline goes about its work."""

    jobs: CountOrOff
    timeout: Seconds
    seed: CountOrOff


class AugmentSettings(Section):
    """What a plan of augmentations draws from, and how augmented videos are written."""

    share: Share
    most: Count
    splits: tuple[Literal["train", "choose", "report"], ...]
    kinds: Annotated[tuple[AugmentationKind, ...], Field(min_length=1)]
    noises: Annotated[tuple[NoiseKind, ...], Field(min_length=1)]
    noise_variance: Annotated[tuple[Portion, Portion], _ASCENDING]
    noise_amount: Annotated[tuple[Portion, Portion], _ASCENDING]
    noise_peak: Annotated[tuple[Photons, Photons], _ASCENDING]
    blur: Annotated[tuple[BlurKernel, BlurKernel], _ASCENDING]
    contrast: Annotated[tuple[ContrastAmount, ContrastAmount], _ASCENDING]
    brightness: Annotated[tuple[BrightnessAmount, BrightnessAmount], _ASCENDING]
    rotation: Annotated[tuple[Degrees, Degrees], _ASCENDING]
    sizes: Annotated[tuple[FrameSize, ...], Field(min_length=1)]
    text_height: Annotated[tuple[Portion, Portion], _ASCENDING]
    shape_sizes: Annotated[tuple[Portion, ...], Field(min_length=1)]
    colours: Annotated[tuple[Colour, ...], Field(min_length=1)]
    speed: Annotated[tuple[Speed, Speed], _ASCENDING]
    rate: Annotated[tuple[Portion, Portion], _ASCENDING]
    slot: Seconds
    crf: Annotated[int, Field(ge=0, le=51)]
    preset: Literal[
        "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
    ]
    preview_seconds: Seconds


class FramesSettings(Section):
    """Which frames are taken out of videos."""

    count: Count
    size: CountOrOff

    @field_validator("size")
    @classmethod
    def _no_specks(cls, size: int) -> int:
        if 0 < size < 16:
            raise ValueError("should be 0, or 16 or more")
        return size


class LandmarksSettings(Section):
    """In which frames of which videos faces are sought."""

    every: Count
    frames: CountOrOff
    fakes: bool


class CropSettings(Section):
    """How faces are cut out."""

    margin: Annotated[float, Field(ge=0, le=2)]
    size: Annotated[int, Field(ge=0)]
    format: Literal["png", "jpeg"]
    quality: Annotated[int, Field(ge=1, le=100)]
    align: bool
    faces: Literal["all", "largest"]

    @field_validator("size")
    @classmethod
    def _no_specks(cls, size: int) -> int:
        if 0 < size < 16:
            raise ValueError("should be 0, or 16 or more")
        return size


class MriSettings(Section):
    """How real and fake faces are compared, and which pairs count."""

    metric: MapKind
    size: Annotated[int, Field(ge=32)]
    share: Share
    shift: Annotated[float, Field(ge=0, le=0.05)]
    around: Share
    inside: Share


class ForgeSettings(Section):
    """How fakes are made out of real faces."""

    kinds: Annotated[tuple[ForgeryKind, ...], Field(min_length=1)]
    share: Share
    rectangle: Annotated[tuple[Enlargement, Enlargement], _ASCENDING]
    hull: Annotated[tuple[Enlargement, Enlargement], _ASCENDING]
    jitter: Annotated[float, Field(ge=0, le=0.5)]


class IndexSettings(Section):
    """How a data set is divided."""

    train: Annotated[float, Field(ge=0)]
    choose: Annotated[float, Field(ge=0)]
    report: Annotated[float, Field(ge=0)]
    follow: Literal["nothing", "original", "identity"]


class TableSettings(Section):
    """Which faces a table for training holds, and what they weigh."""

    share: Share
    faces: CountOrOff
    weigh: Literal["video", "face"]


class InspectSettings(Section):
    """What is looked for before training, and how large contact sheets are."""

    hashes: CountOrOff
    distance: Annotated[int, Field(ge=0, le=8)]
    duplicates: Count
    pictures: Count
    columns: Count
    side: Annotated[int, Field(ge=16, le=1024)]
    methods: CountOrOff


class FetchSettings(Section):
    """How data sets are downloaded and unpacked."""

    connections: Count
    timeout: Seconds
    retries: CountOrOff
    pause: Annotated[float, Field(ge=0)]
    wait: Seconds
    reserve: Annotated[float, Field(ge=0)]
    unpacked: Positive
    expansion: Annotated[float, Field(ge=1)]
    members: Count
    keep: bool
    pictures: Count
    picture_size: Literal["full", "regular", "small"]


class WorkspaceSettings(Section):
    """Where data sets, crops and runs are kept."""

    path: Path


class Profile(Section):
    """All settings; one field a section of `default.toml`."""

    scan: ScanSettings
    detector: DetectorSettings
    tracker: TrackerSettings
    classifier: ClassifierSettings
    fakes: FakesSettings
    calibrate: CalibrateSettings
    gan: GanSettings
    renderer: RendererSettings
    predict: PredictSettings
    workspace: WorkspaceSettings
    data: DataSettings
    index: IndexSettings
    table: TableSettings
    augment: AugmentSettings
    frames: FramesSettings
    landmarks: LandmarksSettings
    crop: CropSettings
    mri: MriSettings
    modalities: ModalitiesSettings
    forge: ForgeSettings
    inspect: InspectSettings
    fetch: FetchSettings
