import random
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deepfake_cli.core.verdict import Decision, Rule, TrackScore, Verdict, decide, rule_among, track_score

RULE = Rule(threshold=0.5, uncertain=(0.45, 0.58), aggregation="mean", minimum_faces=3, source="choose split")
FIRM = replace(RULE, uncertain=None)
SEVERITY = {Verdict.REAL: 0, Verdict.UNCERTAIN: 1, Verdict.FAKE: 2}

shares = st.floats(0, 1)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    low, threshold, high = sorted(draw(st.tuples(shares, shares, shares)))
    return Rule(
        threshold=threshold,
        uncertain=draw(st.sampled_from([None, (low, high)])),
        aggregation=draw(st.sampled_from(["mean", "quality-mean"])),
        minimum_faces=draw(st.integers(1, 5)),
        source="drawn",
    )


@st.composite
def casts(draw: st.DrawFn) -> list[TrackScore]:
    people = draw(st.lists(st.tuples(shares, st.integers(1, 8)), min_size=1, max_size=5))
    return [TrackScore(track, score, faces) for track, (score, faces) in enumerate(people, 1)]


class TestDecide:
    @pytest.mark.parametrize(
        ("tracks", "frames", "expected"),
        [
            ([(0.9, 10), (0.1, 10)], 32, Decision(Verdict.FAKE, 0.9, "", 1)),
            ([(0.1, 10), (0.2, 10)], 32, Decision(Verdict.REAL, 0.2, "", 2)),
            ([], 32, Decision(Verdict.NO_FACE, None, "no face found in 32 frames", None)),
            ([], 1, Decision(Verdict.NO_FACE, None, "no face found in 1 frame", None)),
            (
                [(0.52, 10)],
                32,
                Decision(
                    Verdict.UNCERTAIN, 0.52, "score 0.52 lies within 0.45-0.58 of the threshold 0.50", 1
                ),
            ),
            (
                [(0.1, 10), (0.93, 1)],
                32,
                Decision(
                    Verdict.UNCERTAIN, 0.1, "only 1 face seen of person 2, 3 needed, but its score is 0.93", 1
                ),
            ),
            ([(0.1, 10), (0.5, 2)], 32, Decision(Verdict.REAL, 0.1, "", 1)),
            ([(0.7, 3), (0.93, 2)], 32, Decision(Verdict.FAKE, 0.7, "", 1)),
            (
                [(0.1, 1), (0.3, 2)],
                32,
                Decision(Verdict.UNCERTAIN, 0.3, "only 2 faces seen of person 2, 3 needed", 2),
            ),
            ([(0.9, 1)], 1, Decision(Verdict.FAKE, 0.9, "", 1)),
            ([(0.2, 2)], 2, Decision(Verdict.REAL, 0.2, "", 1)),
            (
                [(0.2, 1)],
                2,
                Decision(Verdict.UNCERTAIN, 0.2, "only 1 face seen of person 1, 2 needed", 1),
            ),
            ([(0.58, 5)], 32, Decision(Verdict.FAKE, 0.58, "", 1)),
            ([(0.57996, 5)], 32, Decision(Verdict.FAKE, 0.58, "", 1)),
            ([(0.44994, 5)], 32, Decision(Verdict.REAL, 0.4499, "", 1)),
        ],
    )
    def test_each_verdict_comes_with_its_score_and_reason(
        self, tracks: list[tuple[float, int]], frames: int, expected: Decision
    ) -> None:
        people = [TrackScore(number, *person) for number, person in enumerate(tracks, 1)]
        assert decide(people, RULE, frames) == expected

    def test_the_threshold_itself_is_fake_without_a_band(self) -> None:
        verdicts = [decide([TrackScore(1, score, 9)], FIRM, 9).verdict for score in (0.49994, 0.49995, 0.5)]
        assert verdicts == [Verdict.REAL, Verdict.FAKE, Verdict.FAKE]

    def test_a_band_far_from_the_middle_is_told_with_all_its_digits(self) -> None:
        rule = replace(RULE, threshold=0.8125, uncertain=(0.7, 0.90625))
        reason = decide([TrackScore(1, 0.85, 9)], rule, 9).reason
        assert reason == "score 0.85 lies within 0.70-0.9062 of the threshold 0.8125"

    def test_the_users_threshold_knows_no_band(self) -> None:
        rule = RULE.with_threshold(0.53)
        assert (rule.threshold, rule.uncertain, rule.source) == (0.53, None, "user")
        assert (rule.minimum_faces, rule.aggregation) == (RULE.minimum_faces, RULE.aggregation)
        assert decide([TrackScore(1, 0.52, 9)], rule, 9).verdict is Verdict.REAL

    def test_a_file_without_a_frame_is_not_judged(self) -> None:
        with pytest.raises(ValueError, match="no frame"):
            decide([], RULE, 0)

    @given(casts(), rules(), st.integers(1, 32), st.data())
    def test_raising_scores_never_makes_a_file_less_suspect(
        self, cast: list[TrackScore], rule: Rule, frames: int, data: st.DataObject
    ) -> None:
        raised = [replace(one, score=data.draw(st.floats(one.score, 1))) for one in cast]
        before, after = decide(cast, rule, frames), decide(raised, rule, frames)
        assert SEVERITY[after.verdict] >= SEVERITY[before.verdict]
        assert after.score is not None
        assert before.score is not None
        assert after.score >= before.score

    @given(casts(), rules(), st.integers(1, 32), st.randoms(use_true_random=False))
    def test_the_order_of_people_is_irrelevant(
        self, cast: list[TrackScore], rule: Rule, frames: int, order: random.Random
    ) -> None:
        assert decide(order.sample(cast, len(cast)), rule, frames) == decide(cast, rule, frames)

    @given(casts(), rules(), st.integers(1, 32))
    def test_verdict_score_and_reason_agree(self, cast: list[TrackScore], rule: Rule, frames: int) -> None:
        said = decide(cast, rule, frames)
        assert said.score is not None
        assert said.score == round(said.score, 4)
        assert said.score == round(next(one.score for one in cast if one.track == said.track), 4)
        assert bool(said.reason) == (said.verdict is Verdict.UNCERTAIN)
        low, high = rule.uncertain or (rule.threshold, rule.threshold)
        if said.verdict is Verdict.FAKE:
            assert said.score >= max(high, rule.threshold)
        if said.verdict is Verdict.REAL:
            assert said.score < rule.threshold
            assert said.score < low or low == high

    @given(casts(), rules(), st.integers(1, 32), shares)
    def test_thin_evidence_never_makes_a_fake(
        self, cast: list[TrackScore], rule: Rule, frames: int, score: float
    ) -> None:
        needed = min(rule.minimum_faces, frames)
        assume(needed > 1)
        before = decide(cast, rule, frames)
        after = decide([*cast, TrackScore(99, score, needed - 1)], rule, frames)
        assert (after.verdict is Verdict.FAKE) == (before.verdict is Verdict.FAKE)
        only_thin = decide([TrackScore(99, score, needed - 1)], rule, frames)
        assert only_thin.verdict is Verdict.UNCERTAIN


class TestTrackScore:
    def test_means(self) -> None:
        scores, weights = [0.2, 0.4, 0.9], [0.0, 0.5, 0.5]
        assert track_score(scores, weights, RULE) == 0.5
        assert track_score(scores, None, RULE) == 0.5
        assert track_score(scores, weights, replace(RULE, aggregation="quality-mean")) == 0.65
        assert track_score(scores, [0.0] * 3, replace(RULE, aggregation="quality-mean")) == 0.5

    @given(rules(), st.data())
    def test_it_lies_among_the_scores_whatever_their_order(self, rule: Rule, data: st.DataObject) -> None:
        faces = data.draw(st.lists(st.tuples(shares, shares), min_size=1, max_size=9))
        mixed = data.draw(st.permutations(faces))
        score = track_score(*map(list, zip(*faces, strict=True)), rule)
        assert score == track_score(*map(list, zip(*mixed, strict=True)), rule)
        lowest, highest = min(face[0] for face in faces), max(face[0] for face in faces)
        assert round(lowest, 4) <= score <= round(highest, 4)

    @given(rules(), st.data())
    def test_raising_a_face_never_lowers_it(self, rule: Rule, data: st.DataObject) -> None:
        faces = data.draw(st.lists(st.tuples(shares, shares), min_size=1, max_size=9))
        scores, weights = [face[0] for face in faces], [face[1] for face in faces]
        raised = [data.draw(st.floats(score, 1)) for score in scores]
        assert track_score(raised, weights, rule) >= track_score(scores, weights, rule)

    @pytest.mark.parametrize(
        ("scores", "weights"),
        [
            ([], []),
            ([0.5, float("nan")], [1, 1]),
            ([1.2], [1]),
            ([-0.1], [1]),
            ([0.5], None),
            ([0.5], [1, 1]),
            ([0.5], [2]),
        ],
    )
    def test_nonsense_is_refused_not_guessed_over(
        self, scores: list[float], weights: list[float] | None
    ) -> None:
        with pytest.raises(ValueError, match="score"):
            track_score(scores, weights, replace(RULE, aggregation="quality-mean"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": float("nan")}, "threshold"),
        ({"uncertain": (0.55, 0.6)}, "band"),
        ({"uncertain": (0.4, 1.1)}, "band"),
        ({"aggregation": "median"}, "known are mean, quality-mean"),
        ({"minimum_faces": 0}, "at least one face"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(RULE, **change)


@pytest.mark.parametrize("person", [(float("nan"), 1), (1.01, 1), (0.5, 0)])
def test_a_person_without_a_true_score_is_refused(person: tuple[float, int]) -> None:
    with pytest.raises(ValueError, match="track 7"):
        TrackScore(7, *person)


CROWD = replace(FIRM, crowd=(0.6, 0.7))


@pytest.mark.parametrize(("people", "threshold"), [(1, 0.5), (2, 0.6), (3, 0.7), (9, 0.7)])
def test_among_several_people_more_is_asked_of_each(people: int, threshold: float) -> None:
    tracks = [TrackScore(number, 0.65 if number == 1 else 0.1, 5) for number in range(1, people + 1)]
    decision = decide(tracks, CROWD, 8)
    assert rule_among(tracks, CROWD, 8).threshold == threshold
    assert decision.verdict == (Verdict.FAKE if threshold < 0.65 else Verdict.REAL)
    assert decision.score == 0.65


def test_the_band_moves_with_the_threshold() -> None:
    rule = replace(CROWD, uncertain=(0.4, 0.6)).among(2)
    assert rule.uncertain is not None
    low, high = rule.uncertain
    assert low < rule.threshold == 0.6 < high
    assert low / (1 - low) * 1.5 == pytest.approx(0.6 / 0.4, abs=0.01)


def test_a_threshold_of_the_users_own_is_for_everybody() -> None:
    assert CROWD.with_threshold(0.3).among(5).threshold == 0.3


@pytest.mark.parametrize("crowd", [(0.4,), (0.7, 0.6), (1.1,)])
def test_thresholds_for_several_people_rise(crowd: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        replace(RULE, crowd=crowd)
