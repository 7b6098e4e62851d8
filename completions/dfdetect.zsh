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
                'config:Show, check and begin your profile of settings'
            )
            _describe command commands ;;
        rest)
            case $line[1] in
                config) _dfdetect_config ;;
            esac ;;
    esac
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
