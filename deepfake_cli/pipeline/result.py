"""What one scan says about one file: the shape of the JSON that ``dfdetect scan`` prints.

``scan-result.schema.json`` in the package describes it as a JSON Schema; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from deepfake_cli.core.verdict import Rule
from deepfake_cli.core.verdict import Verdict as Verdict  # a part of every result

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Media:
    """What kind of file was scanned.

    Attributes:
        kind: ``video`` or ``image``.
        format: Container, as FFmpeg or the picture decoder calls it.
        codec: Coding of the pictures.
        width: Pixels across, as displayed: after rotation.
        height: Pixels down, as displayed.
        duration: Seconds; 0 for a picture, None where the file does not say.
        frame_rate: Frames a second on average; None where the file does not say.
        frames: Frames in the file; None where the file does not say.
        rotation: Degrees counter-clockwise by which stored frames are turned to be shown.
    """

    kind: str
    format: str
    codec: str
    width: int
    height: int
    duration: float | None
    frame_rate: float | None
    frames: int | None
    rotation: int


@dataclass(frozen=True, slots=True)
class Model:
    """Which model was at work: its name and the revision of its weights."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True)
class ScoredFace:
    """One person's face in one sampled frame.

    Attributes:
        index: Number of the sample it was found in, from 0.
        time: Seconds from the start of the video.
        box: (x0, y0, x1, y1) in pixels of the full frame as displayed, origin top left.
        score: P(fake) in [0, 1].
        probability: The detector's P(face) in [0, 1].
        quality: How much the face counts as evidence, in [0, 1].
        region: Where the map that the classifier painted of the face glows most, left and right as seen in
            the picture; None where the map is black, or the classifier paints none.
        parts: What each branch of the network, or each member of a stack, adds to the calibrated logit, by
            name, above 0 for fake; None where the model does not tell.
    """

    index: int
    time: float
    box: tuple[float, float, float, float]
    score: float
    probability: float
    quality: float
    region: str | None
    parts: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class PersonTrack:
    """One person followed through the sampled frames.

    Attributes:
        id: Number of the track, from 1 in order of appearance.
        start: Time of the first face, seconds.
        end: Time of the last face, seconds.
        score: P(fake) of the person in [0, 1].
        faces: How many faces the score rests on.
        evidence: ``index`` of the faces that speak most clearly for the score, best first.
        frames: Every face, in order of time.
    """

    id: int
    start: float
    end: float
    score: float
    faces: int
    evidence: tuple[int, ...]
    frames: tuple[ScoredFace, ...]


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The verdict on one file, and everything it rests on.

    Attributes:
        file: Path as it was given; bytes that are not UTF-8 are surrogate-escaped.
        sha256: Digest of the content; None where it could not be read.
        bytes: Size of the file; None where it could not be read.
        modified: Time of the last change, seconds since 1970; None where it could not be read.
        media: What kind of file it is; None where that could not be found out.
        model: The classifier that judged.
        rule: What made the verdict: the threshold (for so many people as there are) and its source, the band
            around it, the evidence needed.
        settings: Fingerprint of the settings that can change a result; equal settings, equal fingerprint.
        verdict: FAKE, REAL, UNCERTAIN, NO_FACE or UNREADABLE.
        score: P(fake) in [0, 1] of the most suspicious person with enough evidence; None without one.
        reason: Why the verdict is neither FAKE nor REAL, in words; empty for these two.
        notes: What else the user should know, such as a stream that ends early.
        frames: How many frames were looked at.
        tracks: Everybody who was seen, most suspicious first.
        timings: Seconds spent, by stage, with the whole as ``total``; never the same twice.
    """

    file: str
    sha256: str | None
    bytes: int | None
    modified: float | None
    media: Media | None
    model: Model
    rule: Rule
    settings: str
    verdict: Verdict
    score: float | None
    reason: str
    notes: tuple[str, ...] = ()
    frames: int = 0
    tracks: tuple[PersonTrack, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def seconds(self) -> float:
        """Tell how long the scan of this file took."""
        return self.timings.get("total", 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain values, in the order in which they are printed."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self), "verdict": str(self.verdict)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "ScanResult":
        """Make a result of what ``to_json`` returned, also after a way through JSON text.

        Raises:
            KeyError, TypeError, ValueError: The record is not a result of this schema version.
        """
        values = dict(record)
        if values.pop("schema_version") != SCHEMA_VERSION:
            raise ValueError("another schema version")
        band, crowd = values["rule"]["uncertain"], values["rule"]["crowd"]
        values |= {
            "verdict": Verdict(values["verdict"]),
            "media": values["media"] and Media(**values["media"]),
            "model": Model(**values["model"]),
            "rule": Rule(**{**values["rule"], "uncertain": band and tuple(band), "crowd": tuple(crowd)}),
            "notes": tuple(values["notes"]),
            "tracks": tuple(_track(track) for track in values["tracks"]),
        }
        return cls(**values)


def _track(record: Mapping[str, Any]) -> PersonTrack:
    faces = tuple(ScoredFace(**{**face, "box": tuple(face["box"])}) for face in record["frames"])
    return PersonTrack(**{**record, "evidence": tuple(record["evidence"]), "frames": faces})
