"""Expected failures, their hints and the exit codes they lead to.

A failure that the user can mend is a ``DfdetectError``; anything else that escapes is a bug and keeps its
traceback.

    DfdetectError            processing failed                                  exit 2
    ├── UsageError           the command line asks for something impossible     exit 2
    ├── ProfileError         a profile key is unknown, out of range, unreadable exit 2
    ├── MediaError           a video or picture cannot be read                  exit 2
    ├── ModelError           a model folder is missing, damaged or foreign      exit 2
    ├── HubError             the Hub refuses, or cannot be reached              exit 2
    ├── FetchError           a download is refused, or breaks off for good      exit 2
    ├── DataError            a table or data set is not what was promised       exit 2
    ├── OutputError          a result cannot be written                         exit 2
    └── MissingExtra         an optional dependency is not installed            exit 2
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process tells the shell."""

    OK = 0
    FAKE = 1  # `scan` found what --fail-on names; nothing else may exit 1
    FAILED = 2
    INTERNAL = 70
    INTERRUPTED = 130
    CLOSED_PIPE = 141
    TERMINATED = 143


class DfdetectError(Exception):
    """An expected failure: one line for the user and, where there is one, the way out.

    Args:
        message: What went wrong, one line, no trailing full stop.
        hint: What to do about it, often a command; empty where nothing helps.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type["DfdetectError"], tuple[str, str]]:
        # The default reduction would drop the hint when a worker process sends the error home.
        return type(self), (self.message, self.hint)


class UsageError(DfdetectError):
    """The command line asks for something that cannot be done."""


class ProfileError(DfdetectError):
    """The profile holds an unknown key, a value out of range, or cannot be read."""


class MediaError(DfdetectError):
    """A video or picture cannot be read; the message is the reason shown to the user."""


class ModelError(DfdetectError):
    """A model folder is missing, damaged, or not of our layout."""


class HubError(DfdetectError):
    """The Hub refuses, lacks what was asked for, or cannot be reached."""


class FetchError(DfdetectError):
    """A download is refused, breaks off for good, or its server cannot be reached."""


class DataError(DfdetectError):
    """A table or data set is not what its format promises."""


class OutputError(DfdetectError):
    """A result cannot be written where it should go."""


class MissingExtra(DfdetectError):
    """A command needs an optional dependency that is not installed.

    Args:
        extra: Name of the extra in ``pyproject.toml``, such as ``train``.
    """

    def __init__(self, extra: str) -> None:
        super().__init__(
            f"this command needs the '{extra}' extra", f"install it with: pip install 'dfdetect[{extra}]'"
        )
        self.extra = extra

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str]]:  # type: ignore[override]
        return type(self), (self.extra,)
