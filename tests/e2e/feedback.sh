#!/bin/sh
# A run whose reward is a person, with both real programs: it says that it waits, a judgement from the command line
# moves it by a
# step, killed and resumed it goes on with what was judged, and when it is done nothing waits any more.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap '"$attune" stop asks --wait >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work" USER=ann
cd "$work" || exit 1
run() {
    want=$1 name=$2
    shift 2
    timeout 100 "$@" >out 2>err </dev/null
    is "$name" "$want" $?
}
field() { "$attune" show "$1" --json 2>/dev/null | "$get" $2; }
# until_is FIELD VALUE: waits for at most 60 s
until_is() {
    i=0
    while [ "$(field asks "$1")" != "$2" ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
    is "$1" "$2" "$(field asks "$1")"
}
says() { printf '%s\n' "$1" | "$attune" label --stdin --run asks >out 2>err; is "$1" 0 $?; }

common="--model models/demo --data demo/pairs.jsonl --max-rows 60 --batch-size 4 --max-new-tokens 24 --threads 1 --probe-every 0"
run 2 "a person and a reward" "$attune" train --objective online-dpo $common --feedback person --rewards length:20..60
is "cannot both be" 1 "$(grep -c 'with feedback person nothing is learnt from rewards' err)"
run 2 "a person and scores" "$attune" train --objective grpo $common --feedback person
is "neither" 1 "$(grep -c 'choose online-dpo or best-of-n' err)"

run 0 "a run that asks" "$attune" train --objective online-dpo --name asks $common --feedback person \
    --feedback-open 6 --steps 4 \
    --save-every 2 --detach --json
until_is phase "waiting for you: 6 pairs"
run 0 "show" "$attune" show asks
is "says it once" 1 "$(grep -c 'waiting for you: 6 pairs' out)"
run 0 "the list" "$attune" label list asks
is "says so too" "waiting for you: 6 pairs" "$(head -n 1 out)"

says '{"pair": 1, "verdict": "B"}'
until_is step 1
until_is phase "waiting for you: 5 pairs"
says '{"pair": 2, "verdict": "tie"}'
until_is phase "waiting for you: 4 pairs"
is "a tie makes no step" 1 "$(field asks step)"
says '{"pair": 3, "verdict": "A"}'
until_is step 2
# One that is given on the console's page: the run hears it all the same.
run 0 "the console" "$attune" -e 'label; wait waiting for you:; left-much-better; wait saved #4; snapshot page.txt'
is "shows what waits" 1 "$(grep -c 'waiting for you: ' page.txt)"
until_is step 3
until_is phase "waiting for you: 5 pairs"

# The checkpoint is of step 2: the third comes again, of the same judgement.
"$attune" show asks --metrics loss >before
kill -9 "$(field asks pid)"
until_is state dead
run 0 "resume" "$attune" resume asks
until_is step 3
until_is phase "waiting for you: 5 pairs"
"$attune" show asks --metrics loss >after
is "the same curve" "$(cat before)" "$(cat after)"
is "of three steps" 3 "$(wc -l <after | tr -d ' ')"
says '{"pair": 5, "verdict": "B"}'
until_is state done
run 0 "show when it is done" "$attune" show asks
is "nothing waits" 0 "$(grep -c 'waiting for you' out)"
says '{"pair": 6, "verdict": "A"}'
is "who comes late hears it" 1 "$(grep -c '"late":true' out)"
run 0 "what was judged" "$attune" label export asks judged.jsonl
is "is data" "judged.jsonl: 5 pairs" "$(cat out)"
exit $bad
