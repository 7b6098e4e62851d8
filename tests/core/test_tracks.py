"""People on a stage walk, meet, hide, come back; the tracks must say who is who."""

import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import HEIGHT, WIDTH, Image, Person, Pose, backdrop, faces, people, render

from deepfake_cli.core.boxes import iou
from deepfake_cli.core.sampling import Sampling
from deepfake_cli.core.tracks import Tracker
from deepfake_cli.inference.face_detector import FaceDetector
from deepfake_cli.io.video import read_frames
from deepfake_cli.profile import load_profile

CAST = people()
FPS = 25
CUT = 65  # frame of the crossing from which on another place is shown
FRAMES = 100
Moment = tuple[float, Image, Sequence[Pose]]  # seconds, picture, who stands where


def tracker() -> Tracker:
    return Tracker(**load_profile().tracker.model_dump())


def follow(moments: Sequence[Moment], cast: Sequence[Person] = CAST) -> list[dict[int, int]]:
    """Feed the true faces of each moment; return for each who got which track."""
    follower, told = tracker(), []
    for index, (seconds, frame, poses) in enumerate(moments):
        who, boxes, points = faces(cast, poses)
        ids = follower.update(index, seconds, frame, boxes, points, np.ones(len(who)))
        told.append(dict(zip(who, ids, strict=True)))
    return told


def moment(seconds: float, poses: Sequence[Pose], wall: Image) -> Moment:
    return seconds, render(CAST, wall, poses), poses


def crossing(i: int) -> list[Pose]:
    """Frame i of the story: two people walk past each other, one hiding the other; cut; they stand."""
    if i < CUT:
        return [Pose(1, 540 - 7 * i, 140 + 3 * np.sin(i / 4), 84), Pose(0, 100 + 7 * i, 130, 92)]
    return [Pose(1, 220 - 0.3 * (i - CUT), 150, 72), Pose(0, 430 + 0.3 * (i - CUT), 140, 88)]


@pytest.fixture(scope="module")
def stills() -> list[Image]:
    here, there = backdrop(1), backdrop(2)
    return [render(CAST, here if i < CUT else there, crossing(i)) for i in range(FRAMES)]


@pytest.fixture(scope="module")
def crossing_video(
    tmp_path_factory: pytest.TempPathFactory, make_video: Callable[..., Path], stills: list[Image]
) -> Path:
    return make_video(tmp_path_factory.mktemp("stage") / "crossing.mp4", stills, fps=FPS)


def sampling(frames: int = 0, every: int = 0) -> Sampling:
    return Sampling(frames=frames, every=every, burst=4, burst_seconds=0.5, burst_beyond=60.0)


def shots(seen: Sequence[tuple[float, dict[int, int]]]) -> list[dict[int, set[int]]]:
    """Collect for each side of the cut which tracks each person got."""
    sides: list[dict[int, set[int]]] = [defaultdict(set), defaultdict(set)]
    for seconds, told in seen:
        for person, track in told.items():
            sides[seconds * FPS > CUT - 0.5][person].add(track)
    return sides


class TestCrossing:
    @pytest.mark.parametrize("samples", [sampling(every=1), sampling(frames=32), sampling(frames=14)])
    def test_the_true_faces_give_exactly_four_tracks(self, crossing_video: Path, samples: Sampling) -> None:
        follower, seen, hidden = tracker(), [], 0
        with read_frames(crossing_video, samples, threads=1, seek_beyond=0.0) as frames:
            for frame in frames:
                who, boxes, points = faces(CAST, crossing(round(frame.time * FPS)))
                ids = follower.update(frame.index, frame.time, frame.image, boxes, points, np.ones(len(who)))
                seen.append((frame.time, dict(zip(who, ids, strict=True))))
                hidden += len(who) == 1
        before, after = shots(seen)
        assert hidden >= 1
        assert sorted(map(sorted, [*before.values(), *after.values()])) == [[1], [2], [3], [4]]
        assert set(before) == set(after) == {0, 1}
        tracks = follower.tracks()
        assert [track.id for track in tracks] == [1, 2, 3, 4]
        assert sum(len(track.observations) for track in tracks) == 2 * len(seen) - hidden
        for track in tracks:
            times = [seen.time for seen in track.observations]
            assert times == sorted(set(times))

    @pytest.mark.parametrize("samples", [sampling(every=2), sampling(frames=16)])
    def test_the_detected_faces_give_exactly_four_tracks(
        self, crossing_video: Path, samples: Sampling
    ) -> None:
        detector, follower, seen = FaceDetector(min_face_size=40), tracker(), []
        with read_frames(crossing_video, samples, threads=1, seek_beyond=0.0) as frames:
            for frame in frames:
                found = detector.detect(frame.image)
                sure = found.probabilities >= 0.9
                boxes = found.boxes[sure]
                ids = follower.update(
                    frame.index,
                    frame.time,
                    frame.image,
                    boxes,
                    found.points[sure],
                    found.probabilities[sure],
                )
                who, places, _ = faces(CAST, crossing(round(frame.time * FPS)))
                nearest = iou(boxes, places).argmax(axis=1)
                seen.append((frame.time, {who[n]: track for n, track in zip(nearest, ids, strict=True)}))
        before, after = shots(seen)
        assert sorted(map(sorted, [*before.values(), *after.values()])) == [[1], [2], [3], [4]]
        assert len(follower.tracks()) == 4

    @settings(max_examples=20, deadline=None)
    @given(random=st.randoms(use_true_random=False), step=st.sampled_from([4, 5, 8]))
    def test_the_order_of_the_faces_is_irrelevant(
        self, stills: list[Image], random: Random, step: int
    ) -> None:
        follower, told = tracker(), defaultdict(set)
        for i in range(0, 60, step):
            who, boxes, points = faces(CAST, crossing(i))
            order = random.sample(range(len(who)), len(who))
            ids = follower.update(i, i / FPS, stills[i], boxes[order], points[order], np.ones(len(who)))
            for place, track in zip(order, ids, strict=True):
                told[who[place]].add(track)
        assert sorted(map(sorted, told.values())) == [[1], [2]]


class TestWho:
    def test_twins_are_told_apart_by_their_movement(self) -> None:
        twins = [CAST[0], CAST[0]]
        wall = backdrop(3)
        moments = []
        for i in range(0, 60, 3):
            poses = [Pose(0, 80 + 8 * i, 90, 60), Pose(1, 560 - 8 * i, 210, 60)]
            moments.append((i / FPS, render(twins, wall, poses), poses))
        assert {tuple(sorted(told.items())) for told in follow(moments, twins)} == {((0, 2), (1, 1))}

    @pytest.mark.parametrize("gap", [0.04, 0.3, 2.0, 90.0])
    def test_another_person_in_the_same_place_is_another_track(self, gap: float) -> None:
        wall = backdrop(4)
        told = follow([moment(i * gap, [Pose(i // 2, 320, 150, 90)], wall) for i in range(4)])
        assert [list(entry.values()) for entry in told] == [[1], [1], [2], [2]]

    def test_a_person_is_known_again_in_every_burst_of_a_long_talk(self) -> None:
        wall, rng, moments = backdrop(5), np.random.default_rng(0), []
        for burst in range(6):
            sway = rng.uniform(-30, 30, 4)
            for i in range(4):
                poses = [Pose(0, 200 + sway[0] + i, 150 + sway[1] / 3, 80), Pose(1, 450 + sway[2], 150, 76)]
                moments.append(moment(240.0 * burst + i / 6, poses, wall))
        assert follow(moments) == [{0: 2, 1: 1}] * 24

    def test_people_who_change_seats_between_bursts_are_told_by_their_looks(self) -> None:
        wall = backdrop(5)
        seated, changed = ([Pose(0, a, 150, 80), Pose(1, b, 150, 80)] for a, b in ((200, 450), (450, 200)))
        told = follow([moment(0.0, seated, wall), moment(0.2, seated, wall), moment(300.0, changed, wall)])
        assert told[0] == told[1] == told[2]

    def test_who_hides_for_a_second_is_known_again_and_after_a_while_is_not(self) -> None:
        wall, stays = backdrop(6), Pose(1, 500, 150, 80)
        seconds = [*np.arange(0, 1, 0.25), *np.arange(2, 3, 0.25), *np.arange(8, 9, 0.25)]
        here = {float(s) for s in seconds}
        moments = [
            moment(float(s), [stays, *([Pose(0, 150, 150, 80)] if float(s) in here else [])], wall)
            for s in np.arange(0, 9, 0.25)
        ]
        told = follow(moments)
        assert {entry[1] for entry in told} == {2}
        assert [entry[0] for entry in told if 0 in entry] == [1] * 8 + [3] * 4

    def test_a_leap_across_the_picture_is_another_person(self) -> None:
        wall = backdrop(7)
        told = follow([moment(i / FPS, [Pose(0, 100 if i < 5 else 540, 150, 60)], wall) for i in range(10)])
        assert told[0] == told[4] != told[5] == told[9]

    def test_a_camera_that_pans_after_a_walker_keeps_the_track(self) -> None:
        wide = np.hstack([backdrop(1), backdrop(1)[:, ::-1]])
        moments = []
        for i in range(0, 75, 5):
            wall = np.ascontiguousarray(wide[:, 7 * i : 7 * i + WIDTH])
            moments.append(moment(i / FPS, [Pose(0, 320, 150, 100)], wall))
        assert follow(moments) == [{0: 1}] * len(moments)


class TestShots:
    @pytest.mark.parametrize("step", [0.04, 0.3])
    def test_each_cut_ends_the_tracks_even_back_to_the_old_place(self, step: float) -> None:
        walls, poses = (backdrop(1), backdrop(2)), [Pose(0, 320, 150, 90)]
        times = np.arange(0, 6, step)
        told = follow([moment(float(t), poses, walls[int(t // 2) % 2]) for t in times])
        assert [entry[0] for entry in told] == [1 + int(t // 2) for t in times]

    @pytest.mark.parametrize("light", [(1.0, 90.0), (2.2, 30.0), (1.0, 255.0), (0.15, 0.0), (0.0, 0.0)])
    @pytest.mark.parametrize("step", [0.04, 0.3])
    def test_a_flash_or_a_dark_moment_ends_nothing(self, light: tuple[float, float], step: float) -> None:
        wall, moments = backdrop(8), []
        for i in range(12):
            seconds, frame, poses = moment(i * step, [Pose(0, 250 + i, 150, 90)], wall)
            if i == 6:
                frame = np.clip(frame * light[0] + light[1], 0, 255).astype(np.uint8)
                poses = [] if frame.std() < 20 else poses  # nobody is to be seen in plain white or black
            moments.append((seconds, frame, poses))
        told = [entry[0] for i, entry in enumerate(follow(moments)) if i != 6]
        assert told == [1] * 11

    def test_a_dissolve_ends_the_tracks(self) -> None:
        moments = []
        for i in range(75):
            share = min(max((i - 25) / 25, 0.0), 1.0)
            one, two = [Pose(0, 320, 150, 90)], [Pose(1, 330, 140, 90)]
            frame = (1 - share) * render(CAST, backdrop(1), one) + share * render(CAST, backdrop(2), two)
            moments.append((i / FPS, frame.astype(np.uint8), one if share < 0.5 else two))
        told = follow(moments)
        first = {entry[0] for entry in told[:25]}
        last = {entry[1] for entry in told[50:]}
        assert len(first) == len(last) == 1
        assert first != last

    def test_a_face_that_fills_the_picture_may_move(self) -> None:
        wall = backdrop(9)
        told = follow([moment(i * 0.3, [Pose(0, 220 + 40 * i, 190, 230)], wall) for i in range(6)])
        assert told == [{0: 1}] * 6


class TestBounds:
    def test_frames_without_faces_pass(self) -> None:
        follower = tracker()
        nobody = (np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros(0))
        assert follower.update(0, 0.0, backdrop(1), *nobody) == []
        assert follower.update(1, 0.1, np.zeros((16, 16, 3), np.uint8), *nobody) == []
        assert follower.tracks() == []

    @settings(max_examples=40, deadline=None)
    @given(st.data())
    def test_any_boxes_in_any_frame_get_different_tracks(self, data: st.DataObject) -> None:
        edge = st.floats(-50, 150, width=32)
        box = st.tuples(edge, edge, st.floats(0.5, 200, width=32), st.floats(0.5, 200, width=32))
        follower, rng = tracker(), np.random.default_rng(0)
        seconds, total = 0.0, 0
        for index in range(data.draw(st.integers(1, 6))):
            seconds += data.draw(st.sampled_from([0.0, 0.02, 0.3, 5.0, 600.0]))
            shape = (data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90)), 3)
            boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in data.draw(st.lists(box, max_size=5))])
            boxes = boxes.reshape(-1, 4)
            frame = rng.integers(0, 256, shape, dtype=np.uint8)
            points = rng.uniform(-50, 150, (len(boxes), 5, 2))
            ids = follower.update(index, seconds, frame, boxes, points, np.full(len(boxes), 0.95))
            assert len(set(ids)) == len(ids) == len(boxes)
            total += len(boxes)
        tracks = follower.tracks()
        assert sum(len(track.observations) for track in tracks) == total
        assert all(0 <= seen.quality <= 1 for track in tracks for seen in track.observations)

    def test_memory_grows_by_little_more_than_numbers(self) -> None:
        follower, rng = tracker(), np.random.default_rng(0)
        frame = cv2.resize(backdrop(1), (160, 90))
        box, points = np.array([[40, 20, 80, 70]]), rng.uniform(40, 70, (1, 5, 2))
        tracemalloc.start()
        held = []
        for index in range(401):
            follower.update(index, index / FPS, frame, box, points, [1.0])
            if index in (100, 400):
                held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert held[1] - held[0] < 300 * 1000  # bytes: under 1 kB a face

    def test_a_full_hd_frame_with_three_faces_takes_milliseconds(self) -> None:
        poses = [Pose(0, 100, 150, 80), Pose(1, 320, 150, 80), Pose(0, 540, 150, 80)]
        frame = cv2.resize(render(CAST, backdrop(1), poses), (3 * WIDTH, 3 * HEIGHT))
        _, boxes, points = faces(CAST, poses)
        follower, taken = tracker(), []
        for index in range(15):
            begin = time.process_time()
            follower.update(index, index * 0.3, frame, boxes * 3, points * 3, np.ones(3))
            taken.append(time.process_time() - begin)
        assert min(taken) < 0.01  # of processor time; about 2 ms where nothing else runs
        assert [len(track.observations) for track in follower.tracks()] == [15, 15, 15]
