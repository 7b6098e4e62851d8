# Generated from the command tree by tools/generate.py.
_dfdetect() {
    local current=${COMP_WORDS[COMP_CWORD]} command=dfdetect words="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command ${COMP_WORDS[i]}" in
            "dfdetect config"|"dfdetect config show"|"dfdetect config path"|"dfdetect config init"|"dfdetect config check") command="$command ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$command ${COMP_WORDS[COMP_CWORD - 1]}" in
        "dfdetect config show --profile") words="" ;;
        "dfdetect config check --profile") words="" ;;
        *) case "$command" in
            "dfdetect") words="config --version -h --help" ;;
            "dfdetect config") words="show path init check -h --help" ;;
            "dfdetect config show") words="--profile --json -h --help" ;;
            "dfdetect config path") words="-h --help" ;;
            "dfdetect config init") words="--force -h --help" ;;
            "dfdetect config check") words="--profile -h --help" ;;
        esac ;;
    esac
    # Without a match readline completes file names: -o default.
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _dfdetect dfdetect
