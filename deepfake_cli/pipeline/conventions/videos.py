"""The conventions of the data sets of face videos: labels, pairs and official splits by names and lists."""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deepfake_cli.errors import DataError

from .found import Found, Options, folders, is_media, label_word, media, read_json, read_rows

_DFDC_TABLES = ("metadata.json", "labels.csv", "metadata.csv")
_CELEB_PARTS = ("celeb-real", "celeb-synthesis", "youtube-real")
_CELEB_REAL = re.compile(r"(id\d+)_(\d+)$")
_CELEB_FAKE = re.compile(r"(id\d+)_(id\d+)_(\d+)$")
_TEST_LIST = "List_of_testing_videos.txt"
_FF_REAL = re.compile(r"(.*?)original_sequences/(youtube|actors)/([^/]+)/videos/([^/]+)$")
_FF_FAKE = re.compile(r"(.*?)manipulated_sequences/([^/]+)/([^/]+)/videos/([^/]+)$")
_COMPRESSIONS = ("raw", "c0", "c23", "c40")  # other folders hold masks and models
_DFD_FAKE = re.compile(r"(\d+)_(\d+)__(.+)__[^_]+$")
_FF_SPLITS = {"train": "train", "val": "choose", "test": "report"}
_TIMIT_FAKE = re.compile(r"(.+)-video-(\w+)$")
_UADFV_NUMBER = re.compile(r"(\d+)(_fake)?$")


def dfdc(root: Path, options: Options) -> Iterator[Found]:
    """Read DFDC: parts have a ``metadata.json``, test folders may have ``labels.csv`` or ``metadata.csv``."""
    for folder, files in folders(root):
        table = next(
            (name for name in ("metadata.json", "labels.csv", "metadata.csv") if name in files), None
        )
        if table is None:
            continue
        place = f"{folder}/{table}" if folder else table
        entries = _dfdc_entries(root / place)
        last = posixpath.basename(folder).lower()
        official = "report" if "test" in last else "choose" if "valid" in last else "train"
        for name, entry in entries.items():
            yield _dfdc_file(folder, name, entry, official, place)
        for name in files:
            if is_media(name) and name not in entries:
                path = f"{folder}/{name}" if folder else name
                yield Found(path, "", problem=f"{table} does not mention it")


def dfdc_preview(root: Path, options: Options) -> Iterator[Found]:
    """Read the DFDC preview: ``dataset.json`` tells label, set and the people of every file."""
    found = (folder for folder, files in folders(root) if "dataset.json" in files)
    tables = [posixpath.join(folder, "dataset.json") for folder in found]
    if not tables:
        raise DataError(f"{root} holds no dataset.json", "it lies beside original_videos/ and method_A/")
    base, listed = posixpath.dirname(tables[0]), read_json(root / tables[0])
    if not isinstance(listed, dict):
        raise DataError(f"{root / tables[0]} is not a table of files")
    originals = {
        (str(entry.get("target_id", "")), _scene(path, entry)): posixpath.join(base, path)
        for path, entry in listed.items()
        if _dfdc_label(entry) == "real"
    }
    for path, entry in listed.items():
        label, target = _dfdc_label(entry), str(entry.get("target_id") or "")
        fake = label == "fake"
        yield Found(
            posixpath.join(base, path),
            label,
            original=originals.get((target, _scene(path, entry)), "") if fake else "",
            method=path.split("/")[0] if fake else "",
            identity=target,
            official="report" if entry.get("set") == "test" else "train",
            problem="" if label else "dataset.json tells no label",
        )


def celeb_df(root: Path, options: Options) -> Iterator[Found]:
    """Read Celeb-DF-v2: ``idA_N`` is real, ``idA_idB_N`` the same with the face of B; and its test list."""
    listed: set[str] = set()
    reals: dict[str, str] = {}
    for folder, files in folders(root):
        if _TEST_LIST in files:
            listed = _celeb_test(root / folder / _TEST_LIST)
        if "celeb-real" in folder.lower().split("/"):
            videos = filter(is_media, files)
            reals |= {posixpath.splitext(name)[0]: posixpath.join(folder, name) for name in videos}
    for path in media(root):
        part = next((p for p in path.split("/") if p.lower() in _CELEB_PARTS), "").lower()
        if not part:
            continue
        stem = posixpath.splitext(posixpath.basename(path))[0]
        split = "" if not listed else "report" if f"{part}/{stem}" in listed else "train"
        if part == "youtube-real":
            yield Found(path, "real", official=split)
        elif part == "celeb-real":
            who = _CELEB_REAL.match(stem)
            yield Found(path, "real", identity=who[1] if who else "", official=split)
        elif who := _CELEB_FAKE.match(stem):
            name = f"{who[1]}_{who[3]}"
            original = reals.get(name, f"Celeb-real/{name}")
            yield Found(path, "fake", original, "celeb-df", who[1], official=split)
        else:
            yield Found(path, "", problem="its name is not of the form idA_idB_N")


def faceforensics(root: Path, options: Options) -> Iterator[Found]:
    """Read FaceForensics++ and DeepFakeDetection: ``target_source``, ``target_source__scene__hash``.

    The published splits count where the copy has them (``splits/{train,val,test}.json``, there or under
    ``dataset/``); else all videos that share a target or a source are tied together. Options:
    ``compression`` and ``methods`` leave out what is not named in them, ``methods`` of fakes alone.
    """
    splits = _ff_splits(root)
    compressions, methods = options.get("compression", []), options.get("methods", [])
    for path in media(root):
        if real := _FF_REAL.match(path):
            found = _ff_real(path, real, splits)
        elif fake := _FF_FAKE.match(path):
            if methods and fake[2] not in methods:
                continue
            found = _ff_fake(path, fake, splits)
        else:
            continue
        if found.compression in _COMPRESSIONS and (not compressions or found.compression in compressions):
            yield found


def deepfake_timit(root: Path, options: Options) -> Iterator[Found]:
    """Read DeepfakeTIMIT: ``{lower,higher}_quality/TARGET/SENTENCE-video-SOURCE.avi``, perhaps with VidTIMIT.

    A real video is ``TARGET/SENTENCE`` or ``TARGET-original``, anywhere else in the tree.
    """
    reals = {}
    for path in media(root):
        if not _TIMIT_FAKE.match(posixpath.splitext(posixpath.basename(path))[0]):
            who, sentence = _timit_real(path)
            reals[who, sentence] = path
            yield Found(path, "real", identity=who)
    for path in media(root):
        stem = posixpath.splitext(posixpath.basename(path))[0]
        if name := _TIMIT_FAKE.match(stem):
            target = posixpath.basename(posixpath.dirname(path))
            quality = next((part for part in path.split("/") if part.endswith("_quality")), "")
            original = reals.get((target, name[1]), "")
            yield Found(path, "fake", original, "faceswap-gan", target, quality, tie=name[2])


def uadfv(root: Path, options: Options) -> Iterator[Found]:
    """Read UADFV: ``real/NNNN.mp4`` and ``fake/NNNN_fake.mp4``, or frames in folders of these names."""
    for path in media(root):
        stem, suffix = posixpath.splitext(path)
        parts = stem.split("/")
        at = next((i for i, part in enumerate(parts[:-1]) if part.lower() in ("real", "fake")), None)
        if at is None:
            continue
        label = parts[at].lower()
        number = next((told[1] for part in parts[at + 1 :] if (told := _UADFV_NUMBER.match(part))), "")
        pair = [part.removesuffix("_fake") for part in parts]
        pair[at] = "real"
        original = "/".join(pair) + suffix if label == "fake" else ""
        yield Found(path, label, original, "fakeapp" if label == "fake" else "", identity=number)


def _dfdc_entries(path: Path) -> dict[str, dict[str, Any]]:
    if path.suffix == ".json":
        entries = read_json(path)
    else:
        entries = {row.get("filename") or row.get("path", ""): row for row in read_rows(path)}
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise DataError(f"{path} is not a table of videos", "copy or download it again")
    return entries


def _dfdc_file(folder: str, name: str, entry: dict[str, Any], official: str, table: str) -> Found:
    path = f"{folder}/{name}" if folder else name
    label = _dfdc_label(entry)
    if not label:
        return Found(path, "", problem=f"{table} tells no label")
    if label == "real":
        return Found(path, label, official=official)
    original = str(entry.get("original") or "")
    return Found(path, label, posixpath.join(folder, original) if original else "", "dfdc", official=official)


def _dfdc_label(entry: dict[str, Any]) -> str:
    told = entry.get("label", entry.get("is_fake", ""))
    return label_word(str(int(told) if isinstance(told, bool | float) else told))


def _scene(path: str, entry: dict[str, Any]) -> tuple[str, ...]:
    """Return what is left of a file's name without the people in it: which of their recordings it is."""
    people = {str(entry.get("target_id")), str(entry.get("swapped_id"))}
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return tuple(part for part in stem.split("_") if part not in people)


def _celeb_test(path: Path) -> set[str]:
    """Read the test list, lines of label and path, as folder and name in one case, without the extension."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    paths = (line.split(maxsplit=1)[1].strip() for line in lines if len(line.split()) > 1)
    parted = (posixpath.split(posixpath.splitext(path)[0]) for path in paths)
    return {f"{folder.lower()}/{name}" for folder, name in parted}


def _ff_splits(root: Path) -> dict[str, str]:
    """Tell the split of each YouTube video by the published lists of pairs; empty without them."""
    for folder in (root / "splits", root / "dataset" / "splits"):
        if all((folder / f"{name}.json").is_file() for name in _FF_SPLITS):
            return {
                str(number): split
                for name, split in _FF_SPLITS.items()
                for pair in read_json(folder / f"{name}.json")
                for number in pair
            }
    return {}


def _ff_real(path: str, name: re.Match[str], splits: dict[str, str]) -> Found:
    stem = posixpath.splitext(name[4])[0]
    actor = name[2] == "actors"
    who = f"actor-{stem.split('__')[0]}" if actor else stem
    return Found(path, "real", "", "", who, name[3], "" if actor else splits.get(stem, ""))


def _ff_fake(path: str, name: re.Match[str], splits: dict[str, str]) -> Found:
    head, method, compression = name[1], name[2], name[3]
    stem, suffix = posixpath.splitext(name[4])
    originals = f"{head}original_sequences"
    if scene := _DFD_FAKE.match(stem):
        original = f"{originals}/actors/{compression}/videos/{scene[1]}__{scene[3]}{suffix}"
        return Found(path, "fake", original, method, f"actor-{scene[1]}", compression)
    target, _, source = stem.partition("_")
    original = f"{originals}/youtube/{compression}/videos/{target}{suffix}"
    tie = "" if splits else source
    return Found(path, "fake", original, method, target, compression, splits.get(target, ""), tie)


def _timit_real(path: str) -> tuple[str, str]:
    stem, parts = posixpath.splitext(posixpath.basename(path))[0], path.split("/")
    if stem.endswith("-original"):
        return stem.removesuffix("-original"), ""
    return (parts[-2] if len(parts) > 1 else ""), stem
