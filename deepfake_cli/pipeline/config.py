"""Write the user's own profile."""

import re

from deepfake_cli.errors import OutputError
from deepfake_cli.io.files import write_atomically
from deepfake_cli.profile import default_path, user_path

_HEAD = """\
# Your profile for dfdetect. Every key is here, switched off, with its default: take the # away to set a key.
# `dfdetect config check` tells mistakes, `dfdetect config show` what counts and where it came from.
"""


def init_profile(replace: bool = False) -> str:
    """Write a profile that sets nothing yet where the user's own is looked for.

    Args:
        replace: Whether a profile that is there may be replaced.

    Returns:
        The path written.

    Raises:
        OutputError: There is one already, or it cannot be written.
    """
    path = user_path()
    if path.exists() and not replace:
        raise OutputError(f"there is a profile already: {path}", "edit it, or replace it with --force")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot create {path.parent}: {reason}") from error
    with write_atomically(path) as file:
        file.write(template())
    return str(path)


def template() -> str:
    """Make the text of a profile that names every key and sets none."""
    defaults = default_path().read_text(encoding="utf-8")
    body = defaults[defaults.index("\n[") :]  # without the head, which speaks to developers
    return _HEAD + re.sub(r"^(?=\w+ = )", "# ", body, flags=re.MULTILINE)
