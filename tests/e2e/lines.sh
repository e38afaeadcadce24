#!/bin/sh
# The console as lines: the same commands by name, sentences instead of a screen; and the program that is called for an
# alert.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'for p in "$work"/a/runs/*/lock; do read -r pid <"$p" && kill -9 "$pid"; done 2>/dev/null; rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS ATTUNE_READ_ONLY ATTUNE_QUIET ATTUNE_NO_INPUT
export ATTUNE_ENGINE="$build/tests/unit/launch_peer" HOME="$work" XDG_DATA_HOME="$work/data" XDG_STATE_HOME="$work/state" \
    ATTUNE_PROJECT="$work/a" USER=tester
cd "$work" || exit 1

says() { if grep -qE -- "$1" "$work/out"; then ok "$2"; else not_ok "$2"; fi; }
# lines NAME WORD...: what is typed comes from the input
lines() {
    name=$1
    shift
    if timeout 60 "$attune" --lines "$@" >"$work/out" 2>"$work/err"; then ok "$name"; else not_ok "$name"; fi
    if LC_ALL=C grep -q "$(printf '\033')" "$work/out"; then not_ok "$name: no terminal's sequences"
    else ok "$name: no terminal's sequences"; fi
}

"$attune" train --objective dpo --name one --detach >/dev/null
"$attune" train --objective dpo --name two --detach >/dev/null
lines "runs" <<EOF
runs
help
tag +hh
nonsense
quit
EOF
says '^2 runs, 2 live\.$' "the list as a sentence"
says '^1: one, dpo, running' "each run"
says '^filter EXPRESSION: Show only runs' "commands of the table"
says 'There is no command nonsense' "what is none"
"$attune" runs --filter tag=hh --json >"$work/out"
[ "$("$get" length <"$work/out")" = 1 ] && ok "a command of the table has worked" ||
    not_ok "a command of the table has worked"
lines "the list is arranged" <<EOF
select two
columns state,loss
sort name
filter two
select two
EOF
says '^Selected: two\.$' "what is selected"
says '^Columns: state,loss\.$' "which columns"
says '^2 of 2 runs, by name, the (least|greatest) first: (one, two|two, one)\.$' "in which order"
says '^1 of 2 runs, those that pass two, .*: two\.$' "which are shown"
says '^No run is selected\.$' "what is selected no more"
lines "a run" <<EOF
open 2
log
note
EOF
says '^two, dpo, running' "it is described"
says 'Log two>' "the prompt says where one is"
lines "a question" <<EOF
note
a text
EOF
says '^note on (one|two): a text$' "it is asked and answered"
says 'the note is written' "and done"
lines "stop that was not meant" <<EOF
stop
n
quit
EOF
says 'y or n' "a question"
"$attune" runs --json >"$work/out"
[ "$("$get" 0 state <"$work/out") $("$get" 1 state <"$work/out")" = "running running" ] && ok "no means no" ||
    not_ok "no means no"
lines "reading only" --read-only <<EOF
tag +x
quit
EOF
says 'only reads it' "is refused"
lines "no input" --no-input <<EOF
note
quit
EOF
says 'give it behind the command' "what to give"

# Pairs.
cat >pairs.jsonl <<EOF
{"prompt": "Say something.", "chosen": "A fine answer.", "rejected": "Another answer."}
{"prompt": "Say more.", "chosen": "Much more.", "rejected": "No."}
EOF
lines "labelling" <<EOF
label pairs.jsonl
help
perhaps
note because it is short
left-better
7
undo
back
quit
EOF
says '^Left answer: ' "an answer"
says '^Right answer: ' "the other"
says '^1, left-much-better: ' "how to judge"
says '"perhaps" is no judgement' "what is none"
"$attune" label export --set pairs judged.jsonl --as judgements >/dev/null 2>"$work/err"
cp judged.jsonl "$work/out"
says '"note": ?"because it is short"' "the judgement is there with its note"
[ "$(wc -l <judged.jsonl)" = 1 ] && ok "and the other one was taken back" || not_ok "and the other one was taken back"

# A program for alerts.
cat >bell <<EOF
#!/bin/sh
cat >>"$work/rung"
echo >>"$work/rung"
sleep 100
EOF
chmod +x bell
read -r pid <a/runs/one/lock
(sleep 1; kill -9 "$pid") &
begun=$(date +%s)
lines "a run that dies" --on-alert ./bell <<EOF
open one
follow 1
quit
EOF
[ $(($(date +%s) - begun)) -lt 30 ] && ok "a program that sleeps holds nobody up" ||
    not_ok "a program that sleeps holds nobody up"
says '^one, dpo, dead' "its end is said"
cp rung "$work/out" 2>/dev/null
[ "$("$get" run <rung)" = one ] && ok "the program has the run" || not_ok "the program has the run"
[ "$("$get" alert <rung)" = dead ] && ok "and what is wrong" || not_ok "and what is wrong"
[ "$("$get" state <rung)" = dead ] && ok "and its state" || not_ok "and its state"
if "$attune" --lines --on-alert ./none </dev/null >"$work/out" 2>&1; then not_ok "no such program"
else says 'on-alert ./none: No such file' "no such program"; fi
exit $bad
