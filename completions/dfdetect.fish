# Generated from the command tree by tools/generate.py.
function __dfdetect_words
    string match --invert -- '-*' (commandline -opc)[2..-1]
end
function __dfdetect_in --description 'whether this command is being typed'
    set -l words (__dfdetect_words)
    set -l n (count $argv)
    test (count $words) -ge $n; and test "$words[1..$n]" = "$argv"
end
function __dfdetect_at --description 'whether a command of this group comes next'
    set -l words (__dfdetect_words)
    test "$words" = "$argv"
end
complete -c dfdetect -f -n '__dfdetect_at' -a config -d 'Show, check and begin your profile of settings'
complete -c dfdetect -n '__dfdetect_at' -l version -d 'Print the version, with the embedded model’s name and revision'
complete -c dfdetect -n '__dfdetect_at' -s h -l help -d 'Show this message and exit'
complete -c dfdetect -f -n '__dfdetect_at config' -a show -d 'Print every setting that counts here, with where it came from'
complete -c dfdetect -f -n '__dfdetect_at config' -a path -d 'Print where your profile is looked for'
complete -c dfdetect -f -n '__dfdetect_at config' -a init -d 'Write a profile with every key, its meaning and its default, for you to edit'
complete -c dfdetect -f -n '__dfdetect_at config' -a check -d 'Check every source of settings and tell all mistakes at once'
complete -c dfdetect -n '__dfdetect_at config' -s h -l help -d 'Show this message and exit'
complete -c dfdetect -n '__dfdetect_in config show' -l profile -r -d 'Lay this TOML file over your own profile'
complete -c dfdetect -n '__dfdetect_in config show' -l json -d 'Write JSON instead of text'
complete -c dfdetect -n '__dfdetect_in config show' -s h -l help -d 'Show this message and exit'
complete -c dfdetect -n '__dfdetect_in config path' -s h -l help -d 'Show this message and exit'
complete -c dfdetect -n '__dfdetect_in config init' -l force -d 'Replace what is there'
complete -c dfdetect -n '__dfdetect_in config init' -s h -l help -d 'Show this message and exit'
complete -c dfdetect -n '__dfdetect_in config check' -l profile -r -d 'Lay this TOML file over your own profile'
complete -c dfdetect -n '__dfdetect_in config check' -s h -l help -d 'Show this message and exit'
