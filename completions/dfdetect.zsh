#compdef dfdetect
# Generated from the command tree by tools/generate.py.
_dfdetect() {
    local state line
    local -a commands
    _arguments -C \
        '--version[Print the version, with the embedded model’s name and revision]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'scan:Tell whether the faces in videos and pictures are manipulated'
                'classifier:Train a detector and measure it'
                'models:List, explain and fetch the models that judge faces'
                'config:Show, check and begin your profile of settings'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                scan) _dfdetect_scan ;;
                classifier) _dfdetect_classifier ;;
                models) _dfdetect_models ;;
                config) _dfdetect_config ;;
            esac ;;
    esac
}
_dfdetect_scan() {
    _arguments -s \
        '(-r --recursive)'{-r,--recursive}'[Look into folders inside folders too]' \
        '--from-file[Read paths from this file\: one a line, or between NUL bytes]: :' \
        '--frames[Sampled frames of a video, or all]: :' \
        '--every[Every N-th frame instead]: :' \
        '--threshold[A score from here on is FAKE, below it REAL; the model’s own threshold by default]: :' \
        '--model[Which model judges\: embedded, a folder, or owner/name@revision]: :' \
        '(-j --jobs)'{-j,--jobs}'[Files judged at once]: :' \
        '--timeout[Most time for one file]: :' \
        '(-f --format)'{-f,--format}'[How results are written; by default a table, or what --output ends in]: :(table json jsonl csv)' \
        '(-o --output)'{-o,--output}'[Write the results to this file instead of stdout]: :_files' \
        '--resume[Go on with the JSON lines of an earlier run\: skip what they judge, append the rest]: :_files' \
        '(-d --details)'{-d,--details}'[Show each person in the table]' \
        '--only[Report only fake, real, uncertain, no-face or unreadable ones; may be repeated]: :(fake real uncertain no-face unreadable)' \
        '--fail-on[Exit with 1 for fake, uncertain, no-face or unreadable ones; may be repeated]: :(fake uncertain no-face unreadable)' \
        '--save-faces[Save the cut faces, in a folder for each file]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-v --verbose)'{-v,--verbose}'[Tell on stderr what is being done]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'train:Train a classifier on tables of faces and write it as a model folder'
                'test:Measure a model on tables of faces, with 95 % intervals from a bootstrap over sources'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                train) _dfdetect_classifier_train ;;
                test) _dfdetect_classifier_test ;;
            esac ;;
    esac
}
_dfdetect_classifier_train() {
    _arguments -s \
        '(-o --output)'{-o,--output}'[The run’s folder]: :_files' \
        '--resume[Go on where the run in this folder stopped]' \
        '--start[Start from these weights (.safetensors), not classifier.start]: :_files' \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_classifier_test() {
    _arguments -s \
        '--split[Judge the rows of this split (repeatable; default\: report)]: :' \
        '--scores[Write the score of every face to this CSV file]: :_files' \
        '--record[Write the numbers into the model’s config.json and card]' \
        '--json[Write JSON instead of text]' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'list:List the models that need no network: embedded ones, and those fetched from the Hub before'
                'info:Explain a model: what it was trained on, how well it does, how its scores become verdicts, its terms'
                'pull:Fetch a model from the Hub into the cache, check it, and print it with its commit'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                list) _dfdetect_models_list ;;
                info) _dfdetect_models_info ;;
                pull) _dfdetect_models_pull ;;
            esac ;;
    esac
}
_dfdetect_models_list() {
    _arguments -s \
        '(-f --format)'{-f,--format}'[How the answer is written]: :(table json)' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_models_info() {
    _arguments -s \
        '(-f --format)'{-f,--format}'[How the answer is written]: :(table json)' \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_models_pull() {
    _arguments -s \
        '(-q --quiet)'{-q,--quiet}'[Say nothing but results and errors]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '*: :_files'
}
_dfdetect_config() {
    local state line
    local -a commands
    _arguments -C \
        '(-h --help)'{-h,--help}'[Show this message and exit]' \
        '1: :->command' '*:: :->rest'
    case $state in
        command)
            commands=(
                'show:Print every setting that counts here, with where it came from'
                'path:Print where your profile is looked for'
                'init:Write a profile with every key, its meaning and its default, for you to edit'
                'check:Check every source of settings and tell all mistakes at once'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                show) _dfdetect_config_show ;;
                path) _dfdetect_config_path ;;
                init) _dfdetect_config_init ;;
                check) _dfdetect_config_check ;;
            esac ;;
    esac
}
_dfdetect_config_show() {
    _arguments -s \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '--json[Write JSON instead of text]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_path() {
    _arguments -s \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_init() {
    _arguments -s \
        '--force[Replace what is there]' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect_config_check() {
    _arguments -s \
        '--profile[Lay this TOML file over your own profile]: :_files' \
        '(-h --help)'{-h,--help}'[Show this message and exit]'
}
_dfdetect "$@"
