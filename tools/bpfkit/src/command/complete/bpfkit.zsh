#compdef bpfkit
# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
# Completions of bpfkit for zsh. bpfkit itself says what may follow.

_bpfkit() {
	local line word ret=1
	local -a before found

	before=("${(@Q)words[1,CURRENT-1]}")
	for line in "${(@f)$(_call_program words ${words[1]} complete -- ${(@q)before} ${(q)${(Q)PREFIX}} 2>/dev/null)}"; do
		case $line in
		:files)
			compset -P '--[a-z-]##='
			_files && ret=0
			;;
		:folders)
			compset -P '--[a-z-]##='
			_files -/ && ret=0
			;;
		?*)
			word=${line%%$'\t'*}
			case $line in
			*$'\t'*) found+=("${word//:/\\:}:${line#*$'\t'}") ;;
			*) found+=("${word//:/\\:}") ;;
			esac
			;;
		esac
	done
	if (($#found)); then
		_describe -V 'words' found && ret=0
	fi
	return ret
}

if [[ $funcstack[1] == _bpfkit ]]; then
	_bpfkit "$@"
else
	compdef _bpfkit bpfkit
fi
