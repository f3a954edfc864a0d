function __iam_del_key_complete
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l index (count $before)
    set -l after
    set -l skipped $index
    set -l whole (commandline --current-token)
    test -n "$whole"; and set skipped (math $skipped + 1)
    for word in (commandline --current-process --tokenize)
        if test $skipped -gt 0
            set skipped (math $skipped - 1)
        else
            set --append after $word
        end
    end
    # Of assignments before the command fish sets the variables. What other commands before it do is not known.
    set -l process (commandline --current-process --cut-at-cursor | string collect | string trim --left | string collect)
    set -l buffer (commandline --current-buffer --cut-at-cursor | string collect | string trim --left | string collect)
    if test "$process" != "$buffer"; or string match --quiet -- '*__fish_complete_subcommand*' (status stack-trace)
        set before[1] ''
    end
    set -l lines (IAM_DEL_KEY_COMPLETE=fish command COMPLETER -- $index $before "$current" $after </dev/null 2>/dev/null)
    if test "$lines[1]" = values
        set --erase lines[1]
        string join \n -- $lines
    else if test "$lines[1]" != files
        return
    else if string match --quiet -- '--*=*' "$current"
        set -l parts (string split --max 1 -- = "$current")
        string replace --regex '^' -- "$parts[1]=" (__fish_complete_path "$parts[2]")
    else
        __fish_complete_path "$current"
    end
end
complete --command iam-del-key --no-files --keep-order --arguments '(__iam_del_key_complete)'
