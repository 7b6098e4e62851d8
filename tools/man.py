"""Write man pages, one a command, in roff."""

import re

from deepfake_cli import __version__
from describe import Description

EXIT_CODES = {
    "0": "Done.",
    "1": "Only from dfdetect scan: at least one file has a verdict that --fail-on names, by default FAKE.",
    "2": "The command line, the profile or the processing failed; an unreadable file counts as this.",
    "70": "A bug in dfdetect; the traceback is on stderr.",
    "130": "Interrupted by Ctrl-C.",
    "141": "Whoever read the output closed the pipe.",
    "143": "Terminated by SIGTERM.",
}


def man_pages(tree: list[Description]) -> dict[str, str]:
    """Make all pages.

    Returns:
        File name such as ``dfdetect-scan.1`` to text.
    """
    return {f"{_name(d.path)}.1": _page(d, tree) for d in tree}


def _page(command: Description, tree: list[Description]) -> str:
    name = _name(command.path)
    lines = [
        f'.TH "{_roff(name.upper())}" 1 "" "dfdetect {_roff(__version__)}" "dfdetect manual"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(command.summary[0].lower() + command.summary[1:])}",
        ".SH SYNOPSIS",
        f"\\fB{_roff(' '.join(command.path))}\\fR {_roff(command.usage)}",
        ".SH DESCRIPTION",
        *_paragraphs(command.help),
    ]
    if command.arguments:
        lines.append(".SH ARGUMENTS")
        for argument, text in command.arguments:
            lines += [".TP", f"\\fI{_roff(argument)}\\fR", _text(text)]
    lines.append(".SH OPTIONS")
    for option in command.options:
        names = ", ".join(f"\\fB{_roff(each)}\\fR" for each in option.names)
        lines += [
            ".TP",
            f"{names} \\fI{_roff(option.value)}\\fR" if option.value else names,
            _text(option.help),
        ]
    if command.children:
        lines.append(".SH COMMANDS")
        for child in [d for d in tree if d.path[:-1] == command.path]:
            lines += [".TP", f"\\fB{_roff(_name(child.path))}\\fR(1)", _text(child.summary + ".")]
    if not command.children or len(command.path) == 1:
        lines.append(".SH EXIT STATUS")
        for code, meaning in EXIT_CODES.items():
            if code != "1" or command.path[1:] in [(), ("scan",)]:
                lines += [".TP", f"\\fB{code}\\fR", _text(meaning)]
    lines += [".SH SEE ALSO", ",\n".join(f"\\fB{_roff(each)}\\fR(1)" for each in _related(command, tree))]
    return "\n".join(lines) + "\n"


def _related(command: Description, tree: list[Description]) -> list[str]:
    near = [
        d.path for d in tree if d.path[:-1] in (command.path, command.path[:-1]) and d.path != command.path
    ]
    parents = [command.path[:i] for i in range(1, len(command.path))]
    return [_name(path) for path in [*parents, *near] if path] or [_name(command.path)]


def _name(path: tuple[str, ...]) -> str:
    return "-".join(path)


def _paragraphs(text: str) -> list[str]:
    """Turn paragraphs and lists of the help's Markdown into roff."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        items = re.split(r"(?:^|\n)[-*] ", paragraph)
        if items[0].strip():
            lines += [".PP", _text(items[0])] if lines else [_text(items[0])]
        for item in items[1:]:
            lines += ['.IP "\\(bu" 2', _text(item)]
    return lines


def _text(markdown: str) -> str:
    """Turn flowing Markdown into one line of roff."""
    escaped = _roff(" ".join(markdown.split()))
    marked = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", escaped)
    return "\\&" + marked if marked.startswith((".", "'")) else marked


def _roff(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
