# Completion of durablectl for fish. Made by: durablectl completion show fish
function __durablectl_complete
    set -l words (commandline -opc)
    set -l answers (_DURABLECTL_COMPLETE=fish $words[1] $words[2..-1] (commandline -ct) 2>/dev/null)
    if test (count $answers) -gt 0
        printf '%s\n' $answers
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c durablectl -f -k -a '(__durablectl_complete)'
