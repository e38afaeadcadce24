#!/bin/sh
# The commands of attune: help, exit statuses, JSON, errors. A stand-in for the engine (tests/unit/launch_peer.c)
# makes runs that work, fail and die at once.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'for p in "$work"/a/runs/*/lock; do read -r pid <"$p" && kill -9 "$pid"; done 2>/dev/null; rm -rf "$work"' EXIT
unset ATTUNE_PROJECT NO_COLOR COLUMNS
export ATTUNE_ENGINE="$build/tests/unit/launch_peer" HOME="$work" XDG_DATA_HOME="$work/data"
cd "$work"

# Every command of the list explains itself, within 80 columns.
status 0 "attune --help" "$attune" --help
says out '^Exit status:' "exit statuses are listed"
names=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]\+\( [a-z]\+\)\{0,1\}\)  .*/\1/p' "$work/out")
[ "$(printf '%s\n' "$names" | wc -l)" -gt 15 ] && ok "commands are listed" || not_ok "commands are listed"
printf '%s\n' "$names" >"$work/names"
while read -r command; do
    status 0 "attune $command --help" "$attune" $command --help
    says out "^Usage: attune $command" "usage of $command"
    says out '^  --project PATH' "$command has --project"
    long=$(sed -n '/^  [^-]/d; /^.\{81,\}$/p' "$work/out" | grep -v '^Usage' | head -n 1)
    [ -z "$long" ] && ok "help of $command fits 80 columns" || { printf '    %s\n' "$long"
        not_ok "help of $command fits 80 columns"; }
    status 2 "attune $command --no-such-option" "$attune" $command --no-such-option
    says err 'no-such-option' "$command names the wrong option"
    says err "Try: attune $command --help" "$command says where help is"
done <"$work/names"
status 0 "attune --version" "$attune" --version
says out '^attune [0-9]' "version"
status 2 "unknown command" "$attune" trian
says err 'Did you mean "train"' "the near command is named"
status 2 "half a command" "$attune" data
says err 'import' "its second words are named"
status 2 "a short option" "$attune" runs -x
status 0 "completion" "$attune" completion bash
bash -n "$work/out" 2>/dev/null && ok "completion is a script" || not_ok "completion is a script"
if command -v bash >/dev/null; then
    # complete WORD...: what the last word, perhaps begun only, may become
    "$attune" completion bash >"$work/completion"
    complete() {
        bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _attune; echo "${COMPREPLY[*]}"' \
            "$work/completion" "$attune" "$@"
    }
    [ "$(complete model merge --method t)" = "task-arithmetic ties" ] && ok "choices complete" || not_ok "choices complete"
    [ "$(complete train --objective dp)" = dpo ] && ok "objectives complete" || not_ok "objectives complete"
    [ "$(complete objectives show dp)" = dpo ] && ok "a word that is an objective completes" ||
        not_ok "a word that is an objective completes"
fi
for shell in zsh fish; do
    status 0 "completion for $shell" "$attune" completion $shell
    if command -v $shell >/dev/null; then
        $shell -n "$work/out" 2>/dev/null && ok "it is a script for $shell" || not_ok "it is a script for $shell"
    else
        echo "skip $shell is not here"
    fi
done
status 8 "completion of another shell" "$attune" completion csh
# words WORD...: what all shells ask
words() { "$attune" completion words -- "$@" | tr '\n' ' '; }
[ "$(words da)" = "data " ] && ok "commands complete" || not_ok "commands complete"
[ "$(words data '')" = "import show " ] && ok "their second words complete" || not_ok "their second words complete"
[ "$(words data import --lab)" = "--label-from " ] && ok "options complete" || not_ok "options complete"
[ "$(words data import /no/where)" = "" ] && ok "files are left to the shell" || not_ok "files are left to the shell"

# Without a project.
status 4 "runs without a project" "$attune" runs
says err 'attune train' "how to begin is said"
[ ! -e "$work/data/attune" ] && ok "looking makes no folder" || not_ok "looking makes no folder"
status 2 "train without an objective" "$attune" train --project "$work/a"
status 2 "train with an unknown one" "$attune" train --objective dpi --project "$work/a"
status 2 "a value out of type" "$attune" train --objective dpo --beta much --project "$work/a"
status 2 "an unknown option" "$attune" train --objective dpo --betta 1 --project "$work/a"
says err 'did you mean --beta' "the near option is named"
status 2 "an option of other programs" "$attune" train --objective dpo --learning_rate 1 --project "$work/a"
says err 'did you mean --lr' "it is called by our name"
status 4 "data that are not there" "$attune" train --objective dpo --data nowhere.jsonl --project "$work/a"
[ -z "$(ls "$work/a/runs" 2>/dev/null)" ] && ok "nothing was half begun" || not_ok "nothing was half begun"

# A run that works.
export ATTUNE_PROJECT="$work/a"
status 0 "train --detach" "$attune" train --objective dpo --name works --detach --set lr=2e-5 --note 'a "note"' --json
json "its state" running state
status 7 "a name that is taken" "$attune" train --objective dpo --name works
status 2 "a name that is a path" "$attune" train --objective dpo --name ../works
status 0 "runs" "$attune" runs
says out '^works +dpo +running' "the list has it"
status 0 "runs --json" "$attune" runs --json
json "name in JSON" works 0 name
json "note in JSON" 'a "note"' 0 note
status 0 "show" "$attune" show works
says out '^  lr +2e-05' "settings are shown"
status 0 "show --json" "$attune" show works --json
json "settings in JSON" 0.10000000000000001 settings beta
json "events in JSON" 0 events length
pid=$("$get" pid <"$work/out")
status 4 "an unknown run" "$attune" show wroks
says err 'did you mean works' "the near run is named"
status 4 "a metric that is not there" "$attune" show works --metrics loss
status 0 "set" "$attune" set works lr=1e-6
status 2 "set of a fixed setting" "$attune" set works beta=1
status 2 "set of nonsense" "$attune" set works lr=high
status 2 "set without a value" "$attune" set works lr
status 0 "pause" "$attune" pause works
status 0 "checkpoint" "$attune" checkpoint works
status 7 "resume of a live run" "$attune" resume works
status 7 "remove of a live run" "$attune" remove works
status 7 "sample without a checkpoint" "$attune" sample --run works hello
status 2 "sample of two models" "$attune" sample --run works --model . hello
status 7 "export without a checkpoint" "$attune" export works out
status 0 "log" "$attune" log works --json
json "log in JSON" 0 length
status 0 "log --engine" "$attune" log works --engine
says out 'terminal 0' "the engine's words"
status 0 "describe" "$attune" describe --json
json "objectives in JSON" dpo objectives 0 name
status 0 "objectives" "$attune" objectives
status 0 "objectives show" "$attune" objectives show dpo
status 2 "objectives show of none" "$attune" objectives show ppo
[ "$(for i in 1 2 3; do "$attune" runs --json | "$get" length; done | sort -u)" = 1 ] &&
    ok "looking changes nothing" || not_ok "looking changes nothing"

if [ -f "$work/completion" ]; then
    [ "$(complete show wo)" = works ] && ok "runs complete" || not_ok "runs complete"
    [ "$(complete credit --run wo)" = works ] && ok "runs complete after --run" || not_ok "runs complete after --run"
fi

# It dies; it is removed and comes back.
kill -9 "$pid"
i=0
while [ "$("$attune" runs --json | "$get" 0 state)" != dead ] && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done
status 0 "runs after its death" "$attune" runs --json
json "it is dead" dead 0 state
status 7 "stop of a dead run" "$attune" stop works
says err 'attune resume works' "how to go on is said"
status 0 "remove" "$attune" remove works
status 0 "runs after removal" "$attune" runs --json
json "the list is empty" 0 length
[ -d "$work/a/trash/works" ] && [ ! -e "$work/a/runs/works" ] && ok "its folder is in the trash" ||
    not_ok "its folder is in the trash"
status 4 "show of a run in the trash" "$attune" show works
says err 'remove --restore works' "how it comes back is said"
status 0 "the trash" "$attune" remove --trash
says out '^works .*iB' "with its size"
status 0 "remove --restore" "$attune" remove works --restore
status 0 "undo" "$attune" undo
says out 'works is in the trash' "what is so now"
status 0 "undo of the removal" "$attune" undo
says out 'works is out of the trash' "it is back"

# Tags, notes, names, pins, the archive; filters over them.
status 0 "tag" "$attune" tag works +hh +sweep
status 0 "tag away" "$attune" tag works -sweep
says out '^works: hh$' "the tags are printed"
status 2 "a tag that is none" "$attune" tag works "+a;b"
status 0 "note" "$attune" note works "first try"
status 0 "note printed" "$attune" note works
says out '^first try$' "the note"
status 0 "pin" "$attune" pin works
status 0 "runs --filter" "$attune" runs --filter 'tag=hh "first try" -state:live' --json
json "a run passes" works 0 name
json "its tags" hh 0 tags
status 0 "runs --filter of others" "$attune" runs --filter '!tag:hh' --json
json "none passes" 0 length
status 0 "a field that nobody has" "$attune" runs --filter 'lss<1'
says err 'no run has lss; did you mean loss' "the near one is named"
status 2 "a filter that is none" "$attune" runs --filter 'loss<'
says err 'at character 6' "its place"
status 0 "runs in columns and groups" "$attune" runs --columns beta,lr,loss@min --sort -beta --group objective --json
json "the group" dpo 0 group
json "its mean" 0.10000000000000001 0 mean beta
json "a setting of its run" 0.10000000000000001 0 runs 0 fields beta
status 2 "a column that is none" "$attune" runs --columns loss@often
status 0 "rename" "$attune" rename works dies
[ -d "$work/a/runs/dies" ] && ok "the folder has the name" || not_ok "the folder has the name"
status 0 "undo of the name" "$attune" undo
status 0 "archive" "$attune" archive works
status 0 "runs --archived" "$attune" runs --archived --json
json "it is in the archive" works 0 name
status 0 "archive --restore" "$attune" archive works --restore
status 0 "redo" "$attune" undo
status 0 "redo" "$attune" undo --redo
status 7 "purge of what is not in the trash" "$attune" remove works --purge
status 2 "resume that stays and does not" "$attune" resume works --follow --detach
status 0 "resume of a dead run" "$attune" resume works --detach --json
json "it runs again" running state

# Runs that fail.
status 3 "a run that fails" "$attune" train --objective dpo --name fails-later
says err 'the data hold no pairs' "its reason"
status 1 "a run that cannot start" "$attune" train --objective dpo --name says-why
says err 'there is no config.json' "its reason"
ATTUNE_ENGINE="$work/none" status 4 "no engine" "$attune" describe

# A project that is damaged.
mkdir "$work/b"
printf 'This is no database at all, but a text that is long enough to have a header of its own.............' \
    >"$work/b/attune.db"
status 3 "a foreign store" "$attune" runs --project "$work/b"
says err 'not a file of Attune' "it says so"
printf 'junk' >"$work/a/runs/fails-later/run.db"
status 0 "a damaged run hides no other" "$attune" runs --json
json "the others are listed" works 0 name
says err 'run.db' "the damaged one is named"

# Output that cannot be written, and a reader that goes before the end.
{ sleep 0.2; "$attune" describe --json 2>"$work/err"; echo $? >"$work/got"; } | true
[ "$(cat "$work/got")" = 0 ] && [ ! -s "$work/err" ] && ok "a reader that goes" || not_ok "a reader that goes"
if [ -w /dev/full ]; then
    "$attune" runs >/dev/full 2>"$work/err"
    [ $? = 5 ] && ok "a full disk under the output" || not_ok "a full disk under the output"
fi
# Started through a loader, as some packagers do, the kernel knows the loader: both programs find one another and themselves.
loader=$(ldd "$attune" 2>/dev/null | grep -o '/[^ ]*ld-linux[^ ]*' | head -n 1)
if [ -x "$loader" ]; then
    status 0 "started through a loader" "$loader" "$attune" objectives show dpo
    # The engine executes itself again for OpenBLAS's sake.
    OPENBLAS_CORETYPE= ATTUNE_ENGINE= status 0 "and its engine through one" "$loader" "${attune%/*}/attune-engine" describe
    status 0 "which starts itself anew" env -u OPENBLAS_CORETYPE "$loader" "${attune%/*}/attune-engine" doctor
else
    echo "skip there is no loader to start through"
fi
exit $bad
