#compdef durablectl
# Completion of durablectl for zsh. Made by: durablectl completion show zsh
_durablectl() {
    local line
    local -a answers
    for line in "${(@f)$(_DURABLECTL_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,$CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] && answers+=("$line")
    done
    if (( $#answers )); then
        _describe -V -- durablectl answers
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _durablectl "$@"
else
    compdef _durablectl durablectl
fi
