"""`dfdetect config`: which settings count, and where they come from."""

import json
from typing import Any

import typer

from ._options import ForceOpt, JsonOpt, PresetOpt, ProfileOpt
from ._ui import note, say

app = typer.Typer(no_args_is_help=True, help="Show, check and begin your profile of settings.")


@app.command()
def show(preset: PresetOpt = None, profile: ProfileOpt = None, as_json: JsonOpt = False) -> None:
    """Print every setting, and where it came from.

    Later sources win: the defaults, your profile, the preset, the file of --profile, the environment
    (`DFDETECT_SCAN__FRAMES` for `frames` in the section `[scan]`), and the options of a command. The output
    can be saved as a profile.
    """
    from deepfake_cli.profile import read_profile, values_of

    effective = read_profile(profile, preset=preset)
    values = values_of(effective.profile)
    if as_json:
        both = {key: {"value": value, "origin": effective.origins[key]} for key, value in values.items()}
        say(json.dumps(both, indent=2, ensure_ascii=False))
        return
    lines = {key: f"{key.partition('.')[2]} = {_toml(value)}" for key, value in values.items()}
    width = min(max(map(len, lines.values())), 60)  # lists may be longer; they must not push all else away
    section = None
    for key, line in lines.items():
        if section != (section := key.partition(".")[0]):
            say(f"[{section}]")
        say(f"{line:{width}}  # {effective.origins[key]}")


@app.command()
def path() -> None:
    """Print where your profile is looked for."""
    from deepfake_cli.profile import user_path

    say(str(user_path()))
    if not user_path().exists():
        note("it is not there yet; begin one with: dfdetect config init")


@app.command()
def init(force: ForceOpt = False) -> None:
    """Write a profile with every key explained, to edit."""
    from deepfake_cli.pipeline.config import init_profile

    say(init_profile(replace=force))


@app.command()
def check(profile: ProfileOpt = None) -> None:
    """Check all sources of settings; tell all mistakes."""
    from deepfake_cli.profile import read_profile

    origins = read_profile(profile).origins
    changed = sum(origin != "default" for origin in origins.values())
    say(f"no mistakes; {len(origins)} keys, {changed} not at their default")


def _toml(value: Any) -> str:
    """Write numbers, truth values, strings and lists of them: for these TOML and JSON agree."""
    return json.dumps(value, ensure_ascii=False)
