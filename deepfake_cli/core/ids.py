"""Names of videos that can be file names anywhere, made from their paths alone."""

import hashlib
import posixpath
import re

LONGEST = 150  # characters; file systems allow 255 bytes, and stages append suffixes
_HEAD = 130
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def identifier(path: str) -> str:
    """Name a file: its path without the extension, ``/`` as ``__``, what is unusual as ``-``.

    Args:
        path: Relative to the root of the data set, with ``/`` between folders.

    Returns:
        1 to 150 characters of ``A-Za-z0-9._-``; two paths may share it, see ``longer_identifier``.
    """
    return _safe(posixpath.splitext(path)[0], path)


def longer_identifier(path: str) -> str:
    """Name a file whose ``identifier`` another one shares: keep its extension."""
    return _safe(path, path)


def unmistakable_identifier(path: str) -> str:
    """Name a file that even its extension does not tell from another one: with a hash of its path."""
    return f"{_safe(path, path)[:_HEAD]}-{_digest(path)}"


def _safe(text: str, path: str) -> str:
    # A leading dot would hide the file, and stages take hidden ones for what a killed run left behind.
    name = _UNSAFE.sub("-", text.lstrip("./").replace("/", "__")) or "-"
    return name if len(name) <= LONGEST else f"{name[:_HEAD]}-{_digest(path)}"


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:12]
