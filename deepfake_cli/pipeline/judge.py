"""Judge one video or picture at a time."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from deepfake_cli import __version__
from deepfake_cli.core.sampling import Sampling
from deepfake_cli.core.verdict import Rule, TrackScore, Verdict, decide, rule_among, track_score, unclear
from deepfake_cli.errors import MediaError, ModelError, UsageError
from deepfake_cli.io.model_config import branches_of
from deepfake_cli.io.model_folder import PAINTING, ModelFolder
from deepfake_cli.settings import Profile

from .reading import Reading
from .result import Model, PersonTrack, ScanResult, ScoredFace
from .saving import NOTHING, Saving

if TYPE_CHECKING:
    from deepfake_cli.core.tracks import Observation, Track
    from deepfake_cli.inference.face_detector import FaceDetector
    from deepfake_cli.inference.stack import Scorer

    from .people import People

Stage = Callable[[str], None]  # told what is being done, a few words

_EVIDENCE = 3  # faces named as a person's best evidence


class Judge:
    """Judges files; loads its networks with the first one, so a fresh one can be sent to another process.

    Args:
        profile: How to sample, detect and follow.
        model: The classifier, and the rule that makes its scores a verdict.
        threshold: The user's own, in [0, 1]; turns the UNCERTAIN band off.
        saving: Which pictures of the faces are kept; each file gets a folder in those named.

    Raises:
        UsageError: The threshold is out of range, or maps or modalities are to be saved and the classifier
            has none.
    """

    def __init__(
        self,
        profile: Profile,
        model: ModelFolder,
        threshold: float | None = None,
        saving: Saving = NOTHING,
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise UsageError(f"the threshold must lie in 0-1, not at {threshold:g}")
        _refuse_missing(saving, model)
        rule = Rule(**dict(model.config.decision))
        self.rule = rule if threshold is None else rule.with_threshold(threshold)
        self.model = Model(model.config.name, model.revision)
        self.sampling = Sampling(**{key: getattr(profile.scan, key) for key in Sampling.__dataclass_fields__})
        self._profile, self._folder = profile, model
        self._saving = saving
        self._networks: tuple[FaceDetector, Scorer] | None = None

    @cached_property
    def settings(self) -> str:
        """Fingerprint of what can change a result besides the file and the model: 12 hex digits."""
        parts = [
            __version__,
            *(repr(self.sampling), repr(self.rule)),
            *(section.model_dump_json() for section in (self._profile.detector, self._profile.tracker)),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]

    def judge(
        self, file: str, *, threads: int, timeout: float | None = None, stage: Stage = lambda words: None
    ) -> ScanResult:
        """Judge one file; what is wrong with it is part of the result.

        Args:
            file: Its path.
            threads: For decoding, and as many for detection; results do not depend on it.
            timeout: Seconds it may take; None for ever.
            stage: Told what is being done.

        Raises:
            ModelError: The networks cannot be loaded.
            OutputError: The faces, their maps or what they are made of cannot be saved.
        """
        far = self._profile.scan.seek_beyond
        reading = Reading(Path(file), self.sampling, seek_beyond=far, threads=threads, timeout=timeout)
        try:
            with ExitStack() as held:
                with reading:
                    # While the first frames are decoded.
                    people = held.enter_context(closing(self._people(file, threads)))
                    for frames in people.look(reading):
                        stage(f"frame {frames}")
                tracks = [_person(track, self.rule) for track in people.tracks()]
                people.save_evidence(tracks)
        except MediaError as error:
            return self.unreadable(file, error.message, error.hint, reading)
        except MemoryError:
            return self.unreadable(file, "needs more memory than there is", reading=reading)
        scores = [TrackScore(track.id, track.score, track.faces) for track in tracks]
        decision = decide(scores, self.rule, people.frames)
        digest = reading.sha256()
        timings = {"decode": reading.busy, **people.seconds, "total": reading.seconds}
        return ScanResult(
            file=file,
            sha256=digest,
            bytes=reading.size,
            modified=reading.modified,
            media=reading.media,
            model=self.model,
            rule=rule_among(scores, self.rule, people.frames),
            settings=self.settings,
            verdict=decision.verdict,
            score=decision.score,
            reason=decision.reason,
            notes=reading.notes,
            frames=people.frames,
            tracks=tuple(sorted(tracks, key=lambda track: (-track.score, -track.faces, track.id))),
            timings={name: round(seconds, 3) for name, seconds in timings.items()},
        )

    def unreadable(
        self, file: str, reason: str, hint: str = "", reading: Reading | None = None
    ) -> ScanResult:
        """Make the result for a file that could not be judged.

        Args:
            file: Its path.
            reason: Why, in words.
            hint: What to do about it, if anything helps.
            reading: How far it came.
        """
        notes = reading.notes if reading else ()
        return ScanResult(
            file=file,
            sha256=reading.sha256() if reading else None,
            bytes=reading.size if reading else None,
            modified=reading.modified if reading else None,
            media=reading.media if reading else None,
            model=self.model,
            rule=self.rule,
            settings=self.settings,
            verdict=Verdict.UNREADABLE,
            score=None,
            reason=reason,
            notes=(*notes, hint) if hint else notes,
            timings={"total": round(reading.seconds, 3)} if reading else {},
        )

    def _people(self, file: str, threads: int) -> "People":
        # Loading ONNX Runtime and the networks takes as long as decoding a second of video: do both at once.
        from deepfake_cli.core.tracks import Tracker
        from deepfake_cli.inference.face_detector import FaceDetector
        from deepfake_cli.inference.stack import open_scorer

        from .people import People

        if self._networks is None:
            detector, scorer = self._profile.detector, open_scorer(self._folder)
            self._refuse_cold(scorer)
            self._networks = (
                FaceDetector(min_face_size=detector.min_face, thresholds=detector.thresholds),
                scorer,
            )
        return People(
            *self._networks,
            Tracker(**dict(self._profile.tracker)),
            short_side=self._profile.detector.short_side,
            probability=self._profile.detector.probability,
            threads=threads,
            threshold=self.rule.threshold,
            saving=self._saving.of(file),
        )

    def _refuse_cold(self, scorer: "Scorer") -> None:
        """Refuse to save heat of a network that gives none, which only the network tells."""
        if self._saving.heatmaps is not None and scorer.heat_shape == (0, 0):
            raise ModelError(
                f"model {self._folder.config.name} does not tell where it looks: there is no heat to save",
                "the embedded model plain does; see a map with --save-mri",
            )


def _refuse_missing(saving: Saving, model: ModelFolder) -> None:
    """Refuse to save what a model of this method does not give."""
    name, method = model.config.name, model.config.method
    if saving.mri is not None and method not in PAINTING:
        looks = "looks at the face alone and paints" if method == "plain" else "paints"
        raise UsageError(f"model {name} {looks} no map to save", "judge with one that does: --method mri")
    if saving.modalities is not None and not branches_of(method):
        raise UsageError(
            f"model {name} does not take faces apart: there are no modalities to save",
            "judge with one that does: --method modalities",
        )


def _score(seen: "Observation") -> float:
    if seen.score is None:  # a default would be a verdict out of nothing
        raise ValueError(f"the face at {seen.time} s has no score")
    return seen.score


def _person(track: "Track", rule: Rule) -> PersonTrack:
    """Sum up what was seen of one person; everything rounded, so that what is shown can be checked."""
    faces = tuple(
        ScoredFace(
            index=seen.index,
            time=round(seen.time, 3),
            box=tuple(round(float(side), 1) for side in seen.box),  # type: ignore[arg-type]
            score=_score(seen),
            probability=round(seen.probability, 4),
            quality=round(seen.quality, 4),
            region=seen.region,
            parts=seen.parts,
        )
        for seen in track.observations
    )
    score = track_score([face.score for face in faces], [face.quality for face in faces], rule)
    fake = score >= rule.threshold
    clearest = sorted(faces, key=lambda face: unclear(face.score, face.quality, rule.threshold, fake=fake))
    return PersonTrack(
        id=track.id,
        start=faces[0].time,
        end=faces[-1].time,
        score=score,
        faces=len(faces),
        evidence=tuple(face.index for face in clearest[:_EVIDENCE]),
        frames=faces,
    )
