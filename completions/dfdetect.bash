# Generated from the command tree by tools/generate.py.
_dfdetect() {
    local current=${COMP_WORDS[COMP_CWORD]} command=dfdetect words="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$command ${COMP_WORDS[i]}" in
            "dfdetect scan"|"dfdetect classifier"|"dfdetect classifier train"|"dfdetect classifier test"|"dfdetect models"|"dfdetect models list"|"dfdetect models info"|"dfdetect models pull"|"dfdetect config"|"dfdetect config show"|"dfdetect config path"|"dfdetect config init"|"dfdetect config check") command="$command ${COMP_WORDS[i]}" ;;
        esac
    done
    case "$command ${COMP_WORDS[COMP_CWORD - 1]}" in
        "dfdetect scan --from-file") words="" ;;
        "dfdetect scan --frames") words="" ;;
        "dfdetect scan --every") words="" ;;
        "dfdetect scan --threshold") words="" ;;
        "dfdetect scan --model") words="" ;;
        "dfdetect scan -j"|"dfdetect scan --jobs") words="" ;;
        "dfdetect scan --timeout") words="" ;;
        "dfdetect scan -f"|"dfdetect scan --format") words="table json jsonl csv" ;;
        "dfdetect scan -o"|"dfdetect scan --output") words="" ;;
        "dfdetect scan --resume") words="" ;;
        "dfdetect scan --only") words="fake real uncertain no-face unreadable" ;;
        "dfdetect scan --fail-on") words="fake uncertain no-face unreadable" ;;
        "dfdetect scan --save-faces") words="" ;;
        "dfdetect scan --profile") words="" ;;
        "dfdetect classifier train -o"|"dfdetect classifier train --output") words="" ;;
        "dfdetect classifier train --start") words="" ;;
        "dfdetect classifier train --profile") words="" ;;
        "dfdetect classifier test --split") words="" ;;
        "dfdetect classifier test --scores") words="" ;;
        "dfdetect models list -f"|"dfdetect models list --format") words="table json" ;;
        "dfdetect models info -f"|"dfdetect models info --format") words="table json" ;;
        "dfdetect config show --profile") words="" ;;
        "dfdetect config check --profile") words="" ;;
        *) case "$command" in
            "dfdetect") words="scan classifier models config --version -h --help" ;;
            "dfdetect scan") words="-r --recursive --from-file --frames --every --threshold --model -j --jobs --timeout -f --format -o --output --resume -d --details --only --fail-on --save-faces --profile -q --quiet -v --verbose -h --help" ;;
            "dfdetect classifier") words="train test -h --help" ;;
            "dfdetect classifier train") words="-o --output --resume --start --profile -q --quiet -h --help" ;;
            "dfdetect classifier test") words="--split --scores --record --json -q --quiet -h --help" ;;
            "dfdetect models") words="list info pull -h --help" ;;
            "dfdetect models list") words="-f --format -h --help" ;;
            "dfdetect models info") words="-f --format -q --quiet -h --help" ;;
            "dfdetect models pull") words="-q --quiet -h --help" ;;
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
