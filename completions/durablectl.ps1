# Completion of durablectl for PowerShell. Made by: durablectl completion show powershell
Register-ArgumentCompleter -Native -CommandName durablectl -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $program = $commandAst.CommandElements[0].ToString()
    $line = $commandAst.ToString()
    if ($line.Length -lt $cursorPosition) { $line = $line.PadRight($cursorPosition) }
    $env:_DURABLECTL_COMPLETE = 'powershell'
    $env:_DURABLECTL_LINE = $line.Substring(0, $cursorPosition)
    try {
        & $program 2>$null | ForEach-Object {
            $value, $help = $_ -split "`t", 2
            if (-not $help) { $help = $value }
            $shown = if ($value -match '[\s''"$`;|&(){}]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
            [System.Management.Automation.CompletionResult]::new($shown, $value, 'ParameterValue', $help)
        }
    } finally {
        Remove-Item -Path 'Env:_DURABLECTL_COMPLETE', 'Env:_DURABLECTL_LINE'
    }
}
