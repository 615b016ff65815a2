#compdef durablectl
# Completion of durablectl for zsh. Made by: durablectl completion show zsh
_durablectl() {
    local word=$PREFIX value display
    local -a values displays
    [[ $compstate[quote] == \' ]] || word=${(Q)PREFIX}
    for value display in "${(@0)$(_DURABLECTL_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,CURRENT-1]}" "$word" 2>/dev/null)}"; do
        [[ -n $value ]] && values+=("$value") displays+=("$display")
    done
    if (( $#values )); then
        compadd -V durablectl -d displays -a values  # which quotes them
    else
        _files
    fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _durablectl "$@"
else
    compdef _durablectl durablectl
fi
