"""Describe the command tree in plain data, for the generators of completions and man pages."""

import enum
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from deepfake_cli.cli.main import Command, command_tree, commands


@dataclass(frozen=True)
class Option:
    """An option of a command.

    Attributes:
        names: Short before long: ``("-f", "--format")``.
        value: What it takes, such as ``FILE`` or ``<table|json>``; empty for a flag.
        help: Its help, with range and default.
        choices: The values it knows; empty where they are not listed.
        is_path: Whether it takes a file or folder.
    """

    names: tuple[str, ...]
    value: str
    help: str
    choices: tuple[str, ...]
    is_path: bool

    @property
    def summary(self) -> str:
        """The first sentence of the help, without markup."""
        return first_sentence(self.help)


@dataclass(frozen=True)
class Description:
    """A command or group of commands.

    Attributes:
        path: The words that call it: ``("dfdetect", "config", "show")``.
        help: Its help, paragraphs separated by empty lines.
        usage: What may follow the path.
        arguments: Name and help of each positional argument.
        options: Its options.
        children: The words that may follow, for a group.
    """

    path: tuple[str, ...]
    help: str
    usage: str
    arguments: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    children: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The first sentence of the help, without markup."""
        return first_sentence(self.help)


def describe() -> list[Description]:
    """Describe every command, a group before what is in it."""
    return [_description(path, command) for path, command in commands(command_tree())]


def first_sentence(text: str) -> str:
    """Cut a help text to its first sentence, without full stop and backticks."""
    flat = " ".join(text.split("\n\n")[0].split())
    return flat.partition(". ")[0].rstrip(".").replace("`", "")


def _description(path: tuple[str, ...], command: Command) -> Description:
    context = typer.Context(command, info_name=" ".join(path))
    arguments, options = [], []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        if isinstance(parameter, TyperArgument):
            arguments.append((parameter.display_name_raw, record[1].strip()))
        elif isinstance(parameter, TyperOption):
            options.append(_option(parameter, context, record[1].strip()))
    return Description(
        path=path,
        help=inspect.cleandoc(command.help or ""),
        usage=" ".join(command.collect_usage_pieces(context)),
        arguments=tuple(arguments),
        options=tuple(options),
        children=tuple(command.commands) if isinstance(command, TyperGroup) else (),
    )


def _option(option: TyperOption, context: typer.Context, text: str) -> Option:
    annotation = option.type_descriptor.annotation
    kinds = tuple(_kinds(annotation))
    value = "" if option.is_flag or option.count else option.display_type_rich(context) or ""
    return Option(
        names=tuple(sorted([*option.opts, *option.secondary_opts], key=lambda name: (len(name) > 2, name))),
        value=value,
        help=text,
        choices=tuple(choice for kind in kinds for choice in _choices(kind)),
        is_path=Path in kinds,
    )


def _kinds(annotation: object) -> Iterator[object]:
    """Look into lists and unions for what one value is."""
    inner = typing.get_args(annotation)
    if inner and typing.get_origin(annotation) is not typing.Literal:
        for part in inner:
            yield from _kinds(part)
    else:
        yield annotation


def _choices(kind: object) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return tuple(str(member.value) for member in kind)
    return tuple(map(str, typing.get_args(kind)))
