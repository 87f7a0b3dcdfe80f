# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Completions of bpfkit for fish. bpfkit itself says what may follow.

function __bpfkit_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l bpfkit (string replace -r '^~/' "$HOME/" $before[1])

    $bpfkit complete -- $before "$current" 2>/dev/null
end

function __bpfkit_words
    __bpfkit_complete | string match -v -r '^:'
    if __bpfkit_complete | string match -q :folders
        __fish_complete_directories
    end
end

function __bpfkit_files
    __bpfkit_complete | string match -q :files
end

complete -c bpfkit -f
complete -c bpfkit -k -a '(__bpfkit_words)'
complete -c bpfkit -n __bpfkit_files -F
