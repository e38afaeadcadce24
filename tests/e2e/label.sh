#!/bin/sh
# attune label with the real program: judgements of a run's pairs and of pairs that are brought along, what is refused, undo,
# export as data; two people at once; fifty kills in the middle of it, which lose nothing that was answered.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
attune=$build/attune get=$build/tests/lib/json_get offer=$build/tests/tools/offer_pairs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS ATTUNE_ENGINE
export ATTUNE_PROJECT="$work/p" HOME="$work" USER=ann
cd "$work" || exit 1
# says STATUS PATTERN LINE [OPTION...]: the answer to one line of r's pairs
says() {
    want=$1 pattern=$2 line=$3
    shift 3
    printf '%s\n' "$line" | "$attune" label --stdin --run r "$@" >out 2>err
    is "status of $line" "$want" $?
    if grep -q -- "$pattern" out; then printf 'ok answer to %s\n' "$line"; else
        printf 'not ok answer to %s: %s\n' "$line" "$(cat out err)"
        bad=1
    fi
}

"$offer" p r 12 || exit 1
run 0 "what waits" "$attune" label list r
is "is counted first" "waiting for you: 12 pairs" "$(head -n 1 out)"
is "with its texts" 1 "$(grep -c '^  B  *answer B 12$' out)"
run 0 "as JSON" "$attune" label list r --json
is "all of them" 12 "$("$get" length <out)"
is "whole" "answer A 2" "$("$get" 1 a <out)"
run 0 "show says it" "$attune" show r
is "in words" 1 "$(grep -c 'waiting for you: 12 pairs' out)"

says 0 '^{"pair":1,"saved":true}$' '{"pair": 1, "verdict": "A"}'
says 0 '"again":true' '{"pair": 1, "verdict": "A"}'
says 7 'judged pair 1 already (A)' '{"pair": 1, "verdict": "B"}'
says 0 '"saved":true' '{"pair": 1, "verdict": "much-A", "replace": true}'
says 0 '"saved":true' '{"pair": 1, "verdict": "B"}' --annotator bob
says 0 '"saved":true' '{"pair": 1, "verdict": "tie", "annotator": "cyd", "seconds": 2.5, "swapped": true, "note": "close"}'
says 0 '"saved":true' '{"pair": 2, "verdict": "much-B"}'
says 0 '"saved":true' '{"pair": 3, "verdict": "tie"}'
says 0 '"saved":true' '{"pair": 4, "verdict": "both-bad"}'
says 0 '"saved":true' '{"pair": 5, "verdict": "skip"}'
says 0 '"saved":true' '{"pair": 6, "verdict": "A"}'
says 0 '"saved":true' '{"pair": 6, "verdict": "flag"}' --annotator bob
"$offer" p r expired 7
says 0 '"late":true' '{"pair": 7, "verdict": "A"}'
says 4 'asked for no pair 99' '{"pair": 99, "verdict": "A"}'
says 3 '"pair":8,"saved":false.*better.* is no verdict' '{"pair": 8, "verdict": "better"}'
says 3 'no verdict' '{"pair": 8, "verdict": "undo"}'
says 3 'there is no \\"verdict\\"' '{"pair": 8}'
says 3 'not valid JSON' '{"pair": 8, "verdict": "A"'
says 3 'did you mean verdict' '{"pair": 8, "verdikt": "A"}'
says 3 'only one of them' '{"pair": 8, "prompt": "x", "verdict": "A"}'
says 3 'pair' '{"pair": "8", "verdict": "A"}'
says 3 'pair' '{"pair": 0, "verdict": "A"}'
says 3 'seconds' '{"pair": 8, "verdict": "A", "seconds": -1}'
says 3 'annotator' '{"pair": 8, "verdict": "A", "annotator": ""}'
says 3 'is a JSON object' '[8, "A"]'
says 3 'there is no \\"b\\"' '{"prompt": "x", "a": "y", "verdict": "A"}'
says 3 'same text' '{"prompt": "x", "a": "y", "b": "y", "verdict": "A"}'
run 0 "what is left" "$attune" label list r
is "are those that nobody answered, without the skipped one" "waiting for you: 5 pairs" "$(head -n 1 out)"
run 0 "for somebody else" "$attune" label list r --annotator bob
is "the skipped one waits" "waiting for you: 6 pairs" "$(head -n 1 out)"

# A line that is refused does not stop those after it.
printf '{"pair": 8, "verdict": "A"}\nnonsense\n\n{"pair": 9, "verdict": "B"}\n' >lines
"$attune" label --stdin --run r <lines >out 2>err
is "a bad line among good ones" 3 $?
is "is one of three answers" 2 "$(grep -c '"saved":true' out)"
run 2 "without --stdin" "$attune" label
run 4 "of a run that is not there" "$attune" label --stdin --run none <lines
printf '{"pair": 8, "verdict": "B"}\n' | "$attune" label --stdin >out 2>err
is "a number without a run" 2 $?

run 0 "undo" "$attune" label undo
is "takes the newest back" "taken back: B of pair 9 of run r" "$(cat out)"
run 0 "undo of a pair" "$attune" label undo --run r --pair 8
is "that one" "taken back: A of pair 8 of run r" "$(cat out)"
run 4 "undo without anything" "$attune" label undo --annotator nobody
run 0 "they wait again" "$attune" label list r
is "both" "waiting for you: 5 pairs" "$(head -n 1 out)"

printf '{"prompt": "free\\n", "a": "one", "b": "two\\u00e4", "verdict": "B"}\n' | "$attune" label --stdin >out 2>err
is "a pair that is brought" 0 $?
run 0 "export of a run" "$attune" label export r r.jsonl
is "says what is left out" "left out: 2 ties, 1 both bad, 1 flagged, 1 skipped" "$(cat err)"
is "and what is written" "r.jsonl: 2 pairs" "$(cat out)"
is "the better answer first" '{"prompt":"question 2","chosen":"answer B 2","rejected":"answer A 2","margin":3.0}' \
    "$(head -n 1 r.jsonl)"
run 0 "export of all, with ties" "$attune" label export --all all.jsonl --ties
is "five pairs" "all.jsonl: 5 pairs" "$(cat out)"
is "three people, three votes" '{"prompt":"question 1","chosen":"answer A 1","rejected":"answer B 1","votes":[1,1,1],"margin":0.333333}' "$(head -n 1 all.jsonl)"
is "the one that was brought" 1 \
    "$(grep -c '^{"prompt":"free\\n","chosen":"two[^"]*","rejected":"one","margin":2.0}$' all.jsonl)"
for shape in shares binary texts; do
    run 0 "export as $shape" "$attune" label export --all $shape.jsonl --as $shape
    run 0 "$shape are data" "$attune" data import $shape.jsonl --json
done
run 0 "export as judgements" "$attune" label export --all said.jsonl --as judgements
said=$(wc -l <said.jsonl | tr -d ' ')
"$attune" label --stdin --project "$work/other" <said.jsonl >out 2>err
is "another project takes them" 0 $?
is "all of them" "$said" "$(grep -c '"saved":true' out)"
run 2 "export as nothing known" "$attune" label export --all x.jsonl --as nonsense
run 0 "it is data" "$attune" data import all.jsonl --json
is "all of it" 5 "$("$get" examples <out)"
run 0 "and trains" "$attune" train --objective dpo --name trained --model models/demo --data r.jsonl --steps 1 \
    --batch-size 2 \
    --probe-every 0 --eval-every 0 --threads 1 --json
run 2 "export without a file" "$attune" label export r
run 2 "export of all and one" "$attune" label export r x.jsonl --all
run 4 "export of nothing" "$attune" label export trained none.jsonl
is "writes no file" 0 "$(ls none.jsonl* 2>/dev/null | wc -l)"

# Two people at once: nothing of either is lost.
"$offer" p both 500
seq -f '{"pair": %g, "verdict": "A"}' 500 >lines
"$attune" label --stdin --run both --annotator ann <lines >ann 2>/dev/null &
"$attune" label --stdin --run both --annotator bob <lines >bob 2>/dev/null &
wait
is "all of ann's are saved" 500 "$(grep -c '"saved":true' ann)"
is "all of bob's are saved" 500 "$(grep -c '"saved":true' bob)"
run 0 "their votes" "$attune" label export both both.jsonl
is "are all there" 500 "$(grep -c '"votes":\[2,0\]' both.jsonl)"

# Fifty kills: what was answered is there, and nothing is there twice.
ATTUNE_PROJECT=$work/k
: >answered
cut=0 round=1
while [ $round -le 50 ]; do
    seq -f "{\"prompt\": \"$round.%g\", \"a\": \"x\", \"b\": \"y\", \"verdict\": \"A\"}" 3000 >lines
    : >now # else what the last round has said may be taken for this one's
    "$attune" label --stdin <lines >now 2>/dev/null &
    pid=$!
    waited=0
    while [ ! -s now ] && [ $waited -lt 500 ]; do
        sleep 0.01
        waited=$((waited + 1))
    done
    sleep 0.0$((round % 5))
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    n=$(grep -c '"saved":true}$' now)
    [ "$n" -gt 0 ] && [ "$n" -lt 3000 ] && cut=$((cut + 1))
    [ "$n" = 0 ] || seq -f "$round.%g" "$n" >>answered
    round=$((round + 1))
done
if [ $cut -ge 10 ]; then echo "ok $cut of 50 were killed in the middle of it"
else echo "not ok only $cut were killed in the middle of it"; bad=1; fi
run 0 "what is left" "$attune" label export --all k.jsonl
sed 's/^{"prompt":"\([0-9.]*\)".*/\1/' k.jsonl | sort >there
sort answered >wanted
is "nothing that was answered is lost" 0 "$(comm -13 there wanted | wc -l)"
is "nothing is there twice" 0 "$(uniq -d there | wc -l)"
is "at most one a kill was saved unheard" 1 "$(($(comm -23 there wanted | wc -l) <= 50))"

# A set, by its name: what it has left for whom.
for i in 1 2 3; do
    printf '{"prompt": "Question %d?", "chosen": " good %d", "rejected": " bad %d"}\n' $i $i $i
done >three.jsonl
run 0 "a file becomes a set" "$attune" -e 'label three.jsonl; order in-order; wait Question 1?; left-better; wait saved #1'
run 0 "what a set has left" "$attune" label list three
is "is counted" "waiting for you: 2 pairs" "$(head -n 1 out)"
is "by its numbers" "pair 2 pair 3" "$(grep '^pair' out | paste -sd' ')"
is "with its texts" 2 "$(grep -c '^  prompt *Question [23]?$' out)"
run 0 "for somebody else" "$attune" label list three --annotator bob --json
is "all wait" "3 Question 1?" "$("$get" length <out) $("$get" 0 prompt <out)"
run 4 "neither a run nor a set" "$attune" label list thre
is "names both" 1 "$(grep -c 'no run.*thre.*; .*no set.*three' err)"
exit $bad
