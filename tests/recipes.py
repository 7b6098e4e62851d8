"""Recipes that train in seconds."""

from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile

TINY = {
    "architecture": "test_efficientnet",
    "start": "scratch",
    "size": 64,
    "pairs": 6,
    "epochs": 2,
    "batch": 4,
    "workers": 0,
    "precision": "32-true",
    "pack": False,
}


def tiny_recipe(**values: object) -> Profile:
    """A recipe for seconds: timm's test network on faces of 64 px."""
    options = {f"classifier.{key}": value for key, value in {**TINY, **values}.items() if "." not in key}
    return load_profile(options={**options, **{key: v for key, v in values.items() if "." in key}})
