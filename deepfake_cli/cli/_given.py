"""Settings given on the command line as `KEY=VALUE`."""

import tomllib
from collections.abc import Iterable

from deepfake_cli.errors import UsageError


def given(settings: Iterable[str] | None) -> dict[str, object]:
    """Read settings, their values as TOML has them; what is no TOML is taken as text.

    Raises:
        UsageError: There is no `=`.
    """
    values: dict[str, object] = {}
    for text in settings or ():
        key, equals, value = text.partition("=")
        if not equals or "." not in key:
            raise UsageError(
                f"'{text}' sets nothing", "write --set SECTION.KEY=VALUE, as in classifier.epochs=2"
            )
        values[key.strip()] = _value(value.strip())
    return values


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
