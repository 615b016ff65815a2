# Completion of durablectl for PowerShell. Made by: durablectl completion show powershell
Register-ArgumentCompleter -Native -CommandName durablectl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $line = $commandAst.ToString()
    $length = $cursorPosition - $commandAst.Extent.StartOffset
    $program = $commandAst.GetCommandName()
    # Before PowerShell 7.3 an argument with a quote in it reaches a program as several.
    $exact = (Get-Variable -Name PSNativeCommandArgumentPassing -ValueOnly -ErrorAction Ignore) -in 'Standard', 'Windows'
    $env:_DURABLECTL_COMPLETE = 'powershell'
    $env:_DURABLECTL_LINE = $line.PadRight($length).Substring(0, $length)
    try {
        & $program 2>$null | ForEach-Object {
            $answer = ConvertFrom-Json $_
            if ($exact -or $answer.value -notmatch '"|\\$') {
                [System.Management.Automation.CompletionResult]::new($answer.text, $answer.shown, 'ParameterValue', $answer.help)
            }
        }
    } finally {
        Remove-Item -Path 'Env:_DURABLECTL_COMPLETE', 'Env:_DURABLECTL_LINE'
    }
}
