"""The one boundary between what happens inside and what the shell sees: messages, hints and exit codes.

Nothing but `scan` exits 1, and only for what ``--fail-on`` names; an exception never does.
"""

import codecs
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING

from deepfake_cli import __version__
from deepfake_cli.errors import DfdetectError, ExitCode

if TYPE_CHECKING:
    import typer


class Terminated(KeyboardInterrupt):
    """SIGTERM: whoever tidies up after Ctrl-C tidies up after this too."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(args: Sequence[str]) -> int:
    """Run one command.

    Args:
        args: The command line without the program's name.

    Returns:
        The exit code.
    """
    _prepare_streams()
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # whoever started us with it ignored meant it
        signal.signal(signal.SIGTERM, _terminate)
    try:
        return _guarded(args)
    except BrokenPipeError:  # whoever read our output has seen enough
        return ExitCode.CLOSED_PIPE
    finally:
        _settle_streams()


def _guarded(args: Sequence[str]) -> int:
    from . import _ui

    try:
        code = _invoke(args)
        with _ui.writing():
            sys.stdout.flush()
    except DfdetectError as error:
        _ui.error(error.message, error.hint)
        return error.exit_code
    except Terminated:
        _ui.note("terminated")
        return ExitCode.TERMINATED
    except KeyboardInterrupt:
        _ui.note("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        raise
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # rich exits 1 on a closed pipe
            raise BrokenPipeError from stop
        raise
    except Exception:
        traceback.print_exc()
        _ui.error(
            f"this is a bug in dfdetect {__version__}, not in what you did",
            "please report it with the lines above, the command and, if you may share it, the file",
        )
        return ExitCode.INTERNAL
    return code


def _invoke(args: Sequence[str]) -> int:
    """Parse the command line and call the command.

    Typer's own ``main`` is not used: it exits 1 on a closed pipe, which here means FAKE.
    """
    import typer

    from . import _ui
    from .main import command_tree

    try:
        with _ui.writing():  # help and version are printed while the command line is read
            context = command_tree().make_context("dfdetect", list(args))
        with context:
            context.command.invoke(context)
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        return _explain_usage(error)
    return ExitCode.OK


def _explain_usage(error: "typer.TyperException") -> int:
    """Tell a mistake on the command line in one line with a hint; a group alone shows its help."""
    from . import _ui

    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":  # which rich has printed already
        print(message, end="\n" if message else "")
    else:
        context: typer.Context | None = getattr(error, "ctx", None)
        command = context.command_path if context else "dfdetect"
        _ui.error(message.rstrip(".").replace("\n", " "), f"see: {command} --help")
    return ExitCode.FAILED


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _prepare_streams() -> None:
    """Let any file name be printed: bytes that are no text leave as they came."""
    codecs.register_error("dfdetect", _encode_anyway)
    if sys.stdout is None:  # started with `>&-`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        if isinstance(sys.stdout.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED: Python would not notice when a pipe takes but the first part of a write.
            encoding = sys.stdout.encoding
            buffer = io.BufferedWriter(sys.stdout.detach())
            sys.stdout = io.TextIOWrapper(buffer, encoding=encoding, line_buffering=True)
        sys.stdout.reconfigure(errors="dfdetect")


def _encode_anyway(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":  # a byte that Python could not decode
        return bytes([ord(character) - 0xDC00]), error.start + 1
    return character.encode("ascii", "backslashreplace").decode("ascii"), error.start + 1


def _settle_streams() -> None:
    """Point a stream that cannot be written to nowhere, or the flush at exit would fail once more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
