_iam_del_key_complete() {
    local line value
    local -a typed lines values seen
    typed=("${words[@]}")
    typed[CURRENT]=$PREFIX
    # Assignments, other commands and aliases before this command are in the buffer, and not among the words.
    seen=("${(@z)LBUFFER}")
    [[ -z $PREBUFFER && $seen[1] == $words[1] ]] &&
        (( ${#seen} == CURRENT || (${#PREFIX} == 0 && ${#seen} == CURRENT - 1) )) || typed[1]=''
    lines=("${(@f)$(IAM_DEL_KEY_COMPLETE=zsh command COMPLETER -- $((CURRENT - 1)) "${typed[@]}" </dev/null 2>/dev/null)}")
    if [[ $lines[1] == files ]]; then
        [[ $PREFIX == --*=* ]] && compset -P 1 '*='
        _files
        return
    fi
    for line in "${(@)lines[2,-1]}"; do
        [[ -n $line ]] || continue
        value=${line%%$'\t'*}
        values+=("${value//:/\\:}${${line#$value}/$'\t'/:}")
    done
    _describe 'iam-del-key' values
}
compdef _iam_del_key_complete iam-del-key
