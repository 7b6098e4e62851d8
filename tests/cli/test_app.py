"""The boundary to the shell: each way a command can end, in a process of its own."""

import os
import pty
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

import pytest

Dfdetect = Callable[..., CompletedProcess[str]]


def with_command(body: str) -> list[str]:
    """Make the command line of a dfdetect that has one more command, `probe`, with this body."""
    script = (
        "import sys, time, os\n"
        "from deepfake_cli.cli._app import main\n"
        "from deepfake_cli.cli.main import app\n"
        "@app.command()\n"
        "def probe() -> None:\n"
        "    '''Do what the test wants.'''\n" + textwrap.indent(textwrap.dedent(body), "    ") + "\nmain()\n"
    )
    return [sys.executable, "-c", script, "probe"]


def probe(body: str, **more: object) -> CompletedProcess[str]:
    return subprocess.run(with_command(body), capture_output=True, text=True, timeout=60, **more)  # type: ignore[call-overload,no-any-return]


def test_success() -> None:
    run = probe("print('done')")
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")


def test_an_expected_failure_is_one_line_and_a_hint() -> None:
    run = probe(
        "from deepfake_cli.errors import ModelError; raise ModelError('it is damaged', 'fetch it again')"
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == "error: it is damaged\nhint: fetch it again\n"


def test_a_missing_extra_says_the_one_line_that_installs_it() -> None:
    run = probe("from deepfake_cli.errors import MissingExtra; raise MissingExtra('train')")
    assert run.returncode == 2
    assert "pip install 'dfdetect[train]'" in run.stderr


def test_a_bug_keeps_its_traceback_and_never_looks_like_a_fake() -> None:
    run = probe("{}['missing']")
    assert run.returncode == 70
    assert "Traceback" in run.stderr
    assert "KeyError: 'missing'" in run.stderr
    assert "this is a bug in dfdetect" in run.stderr
    assert "report" in run.stderr


def test_a_command_may_choose_its_exit_code() -> None:
    assert probe("import typer; print('result'); raise typer.Exit(1)").returncode == 1


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_signals_end_it_in_order(number: signal.Signals, code: int, word: str) -> None:
    body = """
        try:
            print("ready", flush=True)
            time.sleep(60)
        except KeyboardInterrupt:
            print("tidied up")
            raise
    """
    with Popen(with_command(body), stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (code, "tidied up\n", f"{word}\n")


def test_a_signal_that_was_ignored_from_the_start_stays_ignored() -> None:
    body = """
        print("ready", flush=True)
        sys.stdin.readline()
        print("still there")
    """
    start = ["bash", "-c", 'trap "" TERM; exec "$@"', "bash", *with_command(body)]
    with Popen(start, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        out, _ = process.communicate("go\n", timeout=30)
    assert (process.returncode, out) == (0, "still there\n")


TABLE = """
    from deepfake_cli.cli._ui import Column, table
    table([Column("n")], ([1_000 * "x"] for _ in range(1_000)))
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "body",
    [
        "for i in range(100_000): print(i)",
        "from deepfake_cli.cli._ui import say\nfor i in range(100_000): say(str(i))",
        TABLE,
    ],
    ids=["print", "say", "table"],
)
def test_a_closed_pipe(body: str, unbuffered: str) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with Popen(with_command(body), stdout=PIPE, stderr=PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (141, "")


def test_help_into_a_closed_pipe(dfdetect: Dfdetect) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        run = dfdetect("--help", capture_output=False, stdout=closed, stderr=PIPE)
    assert (run.returncode, run.stderr) == (141, "")


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["config", "show"]])
def test_a_full_disk_behind_stdout(args: list[str], dfdetect: Dfdetect) -> None:
    with Path("/dev/full").open("w") as full:
        run = dfdetect(*args, capture_output=False, stdout=full, stderr=PIPE)
    assert run.returncode == 2
    assert run.stderr == "error: cannot write to stdout: no space left on device\n"


def test_a_closed_stdout_is_no_bug() -> None:
    run = subprocess.run(
        ["bash", "-c", '"$0" -m deepfake_cli config show >&-', sys.executable], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["--bogus"], "No such option: --bogus", "dfdetect --help"),
        (["confg"], "No such command 'confg'. Did you mean 'config'?", "dfdetect --help"),
        (["config", "shwo"], "No such command 'shwo'. Did you mean 'show'?", "dfdetect config --help"),
        (["config", "show", "extra"], "unexpected extra argument", "dfdetect config show --help"),
        (["config", "show", "--profile"], "requires an argument", "dfdetect --help"),
    ],
)
def test_mistakes_on_the_command_line(args: list[str], message: str, hint: str, dfdetect: Dfdetect) -> None:
    run = dfdetect(*args)
    assert (run.returncode, run.stdout) == (2, "")
    error, way_out = run.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert way_out == f"hint: see: {hint}"


@pytest.mark.parametrize("args", [[], ["config"]])
def test_a_group_alone_shows_its_commands(args: list[str], dfdetect: Dfdetect) -> None:
    run = dfdetect(*args)
    assert (run.returncode, run.stderr) == (2, "")
    assert "Commands" in run.stdout


def test_version_names_the_embedded_model(dfdetect: Dfdetect) -> None:
    run = dfdetect("--version")
    assert run.returncode == 0
    assert run.stdout.startswith("dfdetect ")
    assert "revision " in run.stdout


def test_file_names_that_are_no_text_leave_as_they_came() -> None:
    body = "from deepfake_cli.cli._ui import say; say(os.fsdecode(b'caf\\xe9.mp4'))"
    run = subprocess.run(with_command(body), capture_output=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, b"caf\xe9.mp4\n")


def test_a_locale_without_the_character_escapes_it() -> None:
    body = "from deepfake_cli.cli._ui import say; say('caf\\u00e9 \\u2026')"
    run = probe(body, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (run.returncode, run.stdout) == (0, "caf\\xe9 \\u2026\n")


def test_file_names_cannot_steer_the_terminal() -> None:
    run = probe(
        "from deepfake_cli.errors import MediaError; raise MediaError('cannot read \\x1b[2Jx\\r.mp4')"
    )
    assert run.stderr == "error: cannot read \\x1b[2Jx\\r.mp4\n"


def on_a_terminal(body: str, stdout: int | None = None, **environment: str) -> tuple[str, str]:
    """Run a probe on a terminal of its own.

    Args:
        body: Of the command.
        stdout: PIPE where stdout is to go somewhere else; stderr stays on the terminal.
        environment: Variables to add.

    Returns:
        What the terminal shows, and what came out of the pipe.
    """
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    env |= {"TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40", **environment}
    command = with_command(body)
    with Popen(command, stdin=theirs, stdout=stdout or theirs, stderr=theirs, env=env, text=True) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux says so at the end of a terminal
            while chunk := os.read(ours, 65536):
                shown += chunk
        piped = process.stdout.read() if process.stdout else ""
    os.close(ours)
    assert process.returncode == 0
    return shown.decode(), piped


SHOW = """
    from deepfake_cli.cli._ui import Cell, Column, board, table, track, warn
    warn("careful")
    for _ in track()(range(3), "cutting faces"):
        time.sleep(0.05)
    with board([Column("file", width=20), Column("verdict")], total=2) as shown:
        for name in ("a.mp4", "b.mp4"):
            shown.stage(f"{name}: faces")
            shown.row([name, Cell("FAKE", "bold red")])
            shown.advance()
    table([Column("file"), Column("score", right=True)], [["c.mp4", Cell("0.93", "red")]])
"""


ROWS = [["file", "verdict"], ["a.mp4", "FAKE"], ["b.mp4", "FAKE"], ["file", "score"], ["c.mp4", "0.93"]]


def test_a_terminal_gets_colour_and_bars() -> None:
    shown, _ = on_a_terminal(SHOW)
    assert "cutting faces" in shown
    assert "\x1b[1;31mFAKE" in shown
    assert shown.index("a.mp4") < shown.index("b.mp4") < shown.index("c.mp4")


def test_no_color_is_honoured() -> None:
    shown, _ = on_a_terminal(SHOW, NO_COLOR="1")
    assert "FAKE" in shown
    assert "31m" not in shown


def test_results_leave_by_the_pipe_while_the_bar_is_on_the_terminal() -> None:
    shown, piped = on_a_terminal(SHOW, stdout=PIPE)
    assert "cutting faces" in shown
    assert "b.mp4: faces" in shown
    assert "FAKE" not in shown
    assert [line.split() for line in piped.splitlines()] == ROWS
    assert "\x1b" not in piped


def test_elsewhere_there_are_plain_lines_only() -> None:
    run = probe(SHOW)
    assert run.stderr == "warning: careful\n"
    assert "\x1b" not in run.stdout
    assert [line.split() for line in run.stdout.splitlines()] == ROWS


def test_long_names_are_never_cut_off_a_terminal() -> None:
    name = "x" * 300
    body = f"""
        from deepfake_cli.cli._ui import Column, table
        table([Column("file"), Column("n")], [["{name}", "1"]])
    """
    assert name in probe(body).stdout
