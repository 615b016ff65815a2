# Completion of durablectl for bash. Made by: durablectl completion show bash
_durablectl() {
    local answer
    COMPREPLY=()
    # What the program answers is quoted already, as it continues what is typed; "$2" is the part that readline replaces.
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <(_DURABLECTL_COMPLETE=bash _DURABLECTL_LINE="${COMP_LINE:0:COMP_POINT}" _DURABLECTL_WORD="$2" "$1" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && (${COMPREPLY[0]} == */ || ${COMPREPLY[0]} == */[\'\"]) ]]; then
        compopt -o nospace
    fi
}
complete -o default -o nosort -F _durablectl durablectl 2>/dev/null || complete -o default -F _durablectl durablectl
