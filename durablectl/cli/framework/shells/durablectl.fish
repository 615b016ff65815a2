# Completion of durablectl for fish. Made by: durablectl completion show fish
function __durablectl_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct | string collect)
    # The token without its quotes, the last of which may be missing.
    set -l word (string unescape -- $token; or string unescape -- $token'"'; or string unescape -- $token"'")
    set -l answers (_DURABLECTL_COMPLETE=fish $words[1] $words[2..-1] "$word" 2>/dev/null | string split0)
    if test (count $answers) -gt 0
        string join0 -- $answers
    else
        __fish_complete_path "$word"
    end
end
complete -c durablectl -f -k -a '(__durablectl_complete | string split0)'
