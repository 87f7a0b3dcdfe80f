# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# shellcheck shell=bash
# Completions of bpfkit for bash. bpfkit itself says what may follow.

_bpfkit() {
	local word _ command=${1/#\~\//$HOME/}
	local before=("${COMP_WORDS[@]:0:COMP_CWORD}")

	COMPREPLY=()
	compopt +o default +o dirnames
	while IFS=$'\t' read -r word _; do
		case $word in
		:files) compopt -o default ;;
		:folders) compopt -o dirnames ;;
		?*) COMPREPLY+=("$word") ;;
		esac
	done < <("$command" complete -- "${before[@]}" "$2" 2>/dev/null)
}

complete -o default -F _bpfkit bpfkit
