"""Recipes that train in seconds, and what they draw."""

from pathlib import Path

from deepfake_cli.profile import load_profile
from deepfake_cli.settings import Profile
from deepfake_cli.training.pairs import FacePairs
from deepfake_cli.training.pools import Pools
from deepfake_cli.training.tables import Source

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
    fakes = {"fakes.warp_hull": 0.0} | {key: value for key, value in values.items() if "." in key}
    return load_profile(options={**options, **fakes})


def make_pairs(table: Path, **values: object) -> FacePairs:
    recipe = tiny_recipe(**{"pairs": 8, "fakes.labelled": 0.5, "fakes.self_blend": 0.5, "seed": 1, **values})
    return FacePairs(make_pools(recipe, table), recipe.classifier)


def make_pools(recipe: Profile, *tables: Path) -> Pools:
    settings = recipe.classifier
    return Pools(
        [Source(table) for table in tables],
        recipe.fakes,
        recipe.forge,
        balance=settings.balance,
        sample=settings.sample,
        seed=settings.seed,
    )
