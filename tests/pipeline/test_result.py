"""Results as JSON: complete, described by the schema, and read back as they were."""

import dataclasses
import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from deepfake_cli.core.regions import REGIONS
from deepfake_cli.core.verdict import Rule, Verdict
from deepfake_cli.pipeline.result import SCHEMA_VERSION, Media, Model, PersonTrack, ScanResult, ScoredFace

RULE = Rule(threshold=0.5, uncertain=(0.45, 0.55), aggregation="mean", minimum_faces=3, source="choose split")
FACE = ScoredFace(
    index=3,
    time=1.25,
    box=(-1.5, 2.0, 30.0, 40.0),
    score=0.9123,
    probability=1.0,
    quality=0.5,
    region="left eye",
    parts={"albedo": 1.25, "normals": -0.5},
)
PLAIN = dataclasses.replace(FACE, index=4, time=1.5, region=None, parts=None)
FAKE = ScanResult(
    file="caf\udce9.mp4",
    sha256="0" * 64,
    bytes=1234,
    modified=1.5,
    media=Media("video", "mp4", "h264", 320, 240, 1.0, 25.0, 25, 0),
    model=Model("plain", "0123456789ab"),
    rule=RULE,
    settings="ba9876543210",
    verdict=Verdict.FAKE,
    score=0.9123,
    reason="",
    notes=("the stream ends early",),
    frames=2,
    tracks=(PersonTrack(1, 1.25, 1.5, 0.9123, 2, (3,), (FACE, PLAIN)),),
    timings={"decode": 0.5, "total": 1.0},
)
UNREADABLE = ScanResult(
    file="gone.mp4",
    sha256=None,
    bytes=None,
    modified=None,
    media=None,
    model=FAKE.model,
    rule=RULE.with_threshold(0.7),
    settings="ba9876543210",
    verdict=Verdict.UNREADABLE,
    score=None,
    reason="cannot be read: no such file or directory",
)
SCHEMA = json.loads((files("deepfake_cli") / "scan-result.schema.json").read_text())


def through_text(result: ScanResult) -> Any:
    return json.loads(json.dumps(result.to_json()))


@pytest.mark.parametrize("result", [FAKE, UNREADABLE])
def test_json_fits_the_schema_and_comes_back(result: ScanResult) -> None:
    record = through_text(result)
    jsonschema.validate(record, SCHEMA)
    assert ScanResult.from_json(record) == result


def test_the_schema_is_sound_and_names_every_field() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def names(kind: type, *more: str) -> set[str]:
        return {field.name for field in dataclasses.fields(kind)} | set(more)

    found = {name: set(part["properties"]) for name, part in SCHEMA["$defs"].items() if "properties" in part}
    assert set(SCHEMA["properties"]) == names(ScanResult, "schema_version") == set(SCHEMA["required"])
    assert found == {
        "media": names(Media),
        "rule": names(Rule),
        "track": names(PersonTrack),
        "face": names(ScoredFace),
    }
    assert set(SCHEMA["properties"]["model"]["properties"]) == names(Model)
    assert SCHEMA["$defs"]["face"]["properties"]["region"]["enum"] == [None, *REGIONS]
    assert set(SCHEMA["$defs"]["face"]["required"]) == names(ScoredFace)
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"verdict": "MAYBE"},
        {"score": 1.5},
        {"score": None},
        {"reason": "no reason is given for FAKE"},
        {"sha256": "short"},
        {"tracks": []},
        {"more": 1},
    ],
)
def test_the_schema_refuses_what_a_result_is_not(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**through_text(FAKE), **change}, SCHEMA)


def test_another_schema_version_is_not_read() -> None:
    with pytest.raises(ValueError, match="schema version"):
        ScanResult.from_json({**through_text(FAKE), "schema_version": 2})


def test_timings_do_not_make_results_differ() -> None:
    assert dataclasses.replace(FAKE, timings={}) == FAKE
