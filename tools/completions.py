"""Write completion scripts for bash, zsh and fish that need no Python to complete."""

from describe import Description, Option

NOTICE = "# Generated from the command tree by tools/generate.py."


def completions(tree: list[Description]) -> dict[str, str]:
    """Make the scripts.

    Returns:
        File name such as ``dfdetect.bash`` to text.
    """
    return {"dfdetect.bash": _bash(tree), "dfdetect.zsh": _zsh(tree), "dfdetect.fish": _fish(tree)}


def _bash(tree: list[Description]) -> str:
    paths = "|".join(f'"{" ".join(d.path)}"' for d in tree if len(d.path) > 1)
    values, words = [], []
    for d in tree:
        command = " ".join(d.path)
        for option in d.options:
            if option.value:
                pattern = "|".join(f'"{command} {name}"' for name in option.names)
                values.append(f'        {pattern}) words="{" ".join(option.choices)}" ;;')
        names = [name for option in d.options for name in option.names]
        words.append(f'            "{command}") words="{" ".join([*d.children, *names])}" ;;')
    return "\n".join(
        [
            NOTICE,
            "_dfdetect() {",
            '    local current=${COMP_WORDS[COMP_CWORD]} command=dfdetect words="" i',
            "    for ((i = 1; i < COMP_CWORD; i++)); do",
            '        case "$command ${COMP_WORDS[i]}" in',
            f'            {paths}) command="$command ${{COMP_WORDS[i]}}" ;;',
            "        esac",
            "    done",
            '    case "$command ${COMP_WORDS[COMP_CWORD - 1]}" in',
            *values,
            '        *) case "$command" in',
            *words,
            "        esac ;;",
            "    esac",
            "    # Without a match readline completes file names: -o default.",
            '    COMPREPLY=($(compgen -W "$words" -- "$current"))',
            "}",
            "complete -o default -F _dfdetect dfdetect",
            "",
        ]
    )


def _zsh(tree: list[Description]) -> str:
    lines = ["#compdef dfdetect", NOTICE]
    for d in tree:
        specs = [_zsh_option(option) for option in d.options]
        lines.append(f"_{'_'.join(d.path)}() {{")
        if d.children:
            lines += ["    local state line", "    local -a commands", "    _arguments -C \\"]
            lines += [f"        {spec} \\" for spec in specs]
            lines += ["        '1: :->command' '*:: :->rest'", "    case $state in", "        command)"]
            lines.append("            commands=(")
            for child in [c for c in tree if c.path[:-1] == d.path]:
                lines.append(f"                {_quoted(f'{child.path[-1]}:{child.summary}')}")
            lines += ["            )", "            _describe command commands ;;", "        rest)"]
            lines.append("            case $line[1] in")
            lines += [f"                {child}) _{'_'.join(d.path)}_{child} ;;" for child in d.children]
            lines += ["            esac ;;", "    esac"]
        else:
            files = ["'*: :_files'"] if d.arguments else []
            lines.append("    _arguments -s \\")
            lines.append(" \\\n".join(f"        {spec}" for spec in [*specs, *files]))
        lines.append("}")
    lines += ['_dfdetect "$@"', ""]
    return "\n".join(lines)


def _zsh_option(option: Option) -> str:
    text = "".join(f"\\{c}" if c in "[]:" else c for c in option.summary)
    value = ""
    if option.choices:
        value = f": :({' '.join(option.choices)})"
    elif option.value:
        value = ": :_files" if option.is_path else ": :"
    names = option.names
    if len(names) == 1:
        return _quoted(f"{names[0]}[{text}]{value}")
    exclusive = _quoted(f"({' '.join(names)})")
    return f"{exclusive}{{{','.join(names)}}}{_quoted(f'[{text}]{value}')}"


def _fish(tree: list[Description]) -> str:
    lines = [
        NOTICE,
        "function __dfdetect_words",
        "    string match --invert -- '-*' (commandline -opc)[2..-1]",
        "end",
        "function __dfdetect_in --description 'whether this command is being typed'",
        "    set -l words (__dfdetect_words)",
        "    set -l n (count $argv)",
        '    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"',
        "end",
        "function __dfdetect_at --description 'whether a command of this group comes next'",
        "    set -l words (__dfdetect_words)",
        '    test "$words" = "$argv"',
        "end",
    ]
    for d in tree:
        inner = " ".join(d.path[1:])
        condition = f"__dfdetect_at {inner}".strip() if d.children else f"__dfdetect_in {inner}"
        for child in [c for c in tree if c.path[:-1] == d.path]:
            text = f"-a {child.path[-1]} -d {_quoted(child.summary)}"
            lines.append(f"complete -c dfdetect -f -n {_quoted(condition)} {text}")
        for option in d.options:
            parts = [f"complete -c dfdetect -n {_quoted(condition)}"]
            parts += [
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names
            ]
            if option.choices:
                parts.append(f"-x -a {_quoted(' '.join(option.choices))}")
            elif option.value:
                parts.append("-r" if option.is_path else "-x")
            lines.append(" ".join([*parts, f"-d {_quoted(option.summary)}"]))
    return "\n".join([*lines, ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "’") + "'"
