"""What each data set tells of its files by their names, folders and lists: one function a data set.

A convention walks the raw files, knows labels, originals, methods, people and official splits, and decides
nothing: which split a file goes to, and whether it can be read, is for ``pipeline/index.py``.
"""

from deepfake_cli.errors import DataError

from . import pictures, trees, videos
from .found import Convention as Convention
from .found import Found as Found

_BY_DATASET: dict[str, Convention] = {
    "dfdc": videos.dfdc,
    "dfdc-preview": videos.dfdc_preview,
    "dfdc-sample": videos.dfdc,
    "celeb-df-v2": videos.celeb_df,
    "faceforensics": videos.faceforensics,
    "deepfake-timit": videos.deepfake_timit,
    "uadfv": videos.uadfv,
    "ffhq": pictures.photographs(),
    "fdf": pictures.photographs(),
    "aberdeen": pictures.aberdeen,
    "utrecht": pictures.utrecht,
    "muct": pictures.muct,
    "unsplash": pictures.photographs(),
    "stylegan2-ada": pictures.generated("stylegan2-ada"),
    "dessa-youtube": trees.dessa,
    "hub": trees.folder,
    "folder": trees.folder,
}
ONE_KIND = frozenset({"ffhq", "fdf", "aberdeen", "utrecht", "muct", "unsplash", "stylegan2-ada"})  # by nature


def convention_of(dataset: str) -> Convention:
    """Return the convention of a data set.

    Args:
        dataset: Its name in the registry, as in ``source.json``.

    Raises:
        DataError: There is none of this name.
    """
    if dataset not in _BY_DATASET:
        raise DataError(
            f"no convention is known for a data set {dataset!r}", "adopt it as 'folder', which takes any tree"
        )
    return _BY_DATASET[dataset]
