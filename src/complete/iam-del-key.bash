# bash splits words at = : and @, and replaces only what follows the last of them. The words are put together again
# before they are asked about, and what bash keeps is taken off the answers.
_iam_del_key_complete() {
    local LC_ALL=C line=$COMP_LINE piece rest glued current='' index=0 last=0 start i
    local -a words=()
    for i in "${!COMP_WORDS[@]}"; do
        piece=${COMP_WORDS[i]}
        rest=${line#"${line%%[![:space:]]*}"}
        glued=''
        if ((i == 0)) || [[ -z $piece || $rest != "$line" ]]; then
            words+=("$piece")
            last=$((${#words[@]} - 1))
        elif ((i <= COMP_CWORD || last != index)); then
            glued=${words[last]}
            words[last]=$glued$piece
        fi
        if ((i == COMP_CWORD)); then
            start=$((${#COMP_LINE} - ${#rest}))
            current=$glued
            ((COMP_POINT > start)) && current+=${piece:0:COMP_POINT - start}
            index=$last
        fi
        [[ -n $piece ]] && line=${rest#"$piece"}
    done
    words[index]=$current
    # A completion that calls this one, such as that of sudo, hides what it stands behind.
    ((${#FUNCNAME[@]} == 1)) || words[0]=''

    local kind='' value note head=${current%"$2"}
    local -a values=() notes=()
    {
        read -r kind
        while IFS=$'\t' read -r value note; do
            values+=("${value#"$head"}")
            notes+=("$note")
        done
    } < <(IAM_DEL_KEY_COMPLETE=bash command COMPLETER -- "$index" "${words[@]}" </dev/null 2>/dev/null)

    COMPREPLY=()
    if [[ $kind == files ]]; then
        compopt -o default 2>/dev/null
        return
    fi
    for i in "${!values[@]}"; do
        value=${values[i]}
        # Where bash only lists what there is, it shows the notes too.
        if [[ $COMP_TYPE == 63 && $current != -* && ${#values[@]} -gt 1 && -n ${notes[i]} ]]; then
            value="$value  (${notes[i]})"
            ((${#value} < ${COLUMNS:-80})) || value="${value:0:${COLUMNS:-80} - 5}...)"
        fi
        COMPREPLY+=("$value")
    done
}
complete -o nosort -F _iam_del_key_complete iam-del-key 2>/dev/null ||
    complete -F _iam_del_key_complete iam-del-key
