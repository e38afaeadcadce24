#!/bin/sh
# attune bench objectives on the demo's pairs: the table, what is used again, what Ctrl-C leaves, and refusals.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap '"$attune" stop bench-dpo --wait >/dev/null 2>&1; "$attune" stop bench-dpo-2 --wait >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
value() { "$get" "$@" <"$work/out"; }

bench="$attune bench objectives --model models/demo --data demo/pairs.jsonl --max-rows 80 --eval-share 0.3 --batch-size 4 --probe-prompts 4
    --probe-max-tokens 8 --threads 1 --lr 1e-3"
status 0 "three objectives" $bench --steps 4 --objectives rm,dpo,sft --json
is "they are all there" 3 "$(value rows length)"
is "in the order of the table" "sft dpo" "$(value rows 0 objective) $(value rows 1 objective)"
is "as runs of the project" bench-dpo "$(value rows 1 run)"
is "a reward model is judged by its scores" scores "$(value rows 2 measured_by)"
is "and has no change of log-probabilities" null "$(value rows 2 chosen_change)"
cp out first
# The change of the held-out chosen log-probability is what the run's own evaluations say.
value rows 1 chosen_change >change
"$attune" show bench-dpo --metrics eval/logps/chosen |
    awk 'NR == 1 { first = $2 } { last = $2 } END { print last - first }' >logged
is "the change agrees with the run's evaluations" same \
    "$(paste change logged | awk '{ d = $1 - $2; print (d < 0.01 && d > -0.01 && $1 != 0) ? "same" : $0 }')"

status 0 "the same again" $bench --steps 4 --objectives rm,dpo,sft --json
is "is the same" "$(cat first)" "$(cat out)"
is "from the same runs" 3 "$("$attune" runs --json | "$get" length)"
status 0 "as a table" $bench --steps 4 --objectives rm,dpo,sft
says out '^dpo +[0-9.]+% +[-+]' "a row"
says out '^Chosen log-probability (up|down): .*sft' "who raised the chosen ones"
is "in 80 columns" "" "$(grep '.\{81,\}' out)"
status 0 "in Markdown" $bench --steps 4 --objectives dpo --markdown
says out '^\| dpo \|' "a row"

# Ctrl-C leaves the run, and the same command finds it again.
$bench --steps 60 --objectives dpo >out 2>err </dev/null &
pid=$!
i=0
while ! "$attune" show bench-dpo-2 --json 2>/dev/null | "$get" state 2>/dev/null | grep -q running && [ $i -lt 300 ]
    do sleep 0.1; i=$((i + 1)); done
kill -TERM $pid
wait $pid
is "interrupted" 130 $?
says err 'the same command goes on' "it says how to go on"
status 0 "it goes on" $bench --steps 60 --objectives dpo --json
is "with the run that was there" bench-dpo-2 "$(value rows 0 run)"

# Token by token: what a run's tokens earned adds up to its responses' rewards.
status 0 "credit of a run" "$attune" credit --run bench-dpo --prompt 'Once upon a time' --response ' there was a fox.' --json
is "with the run's beta" 0.10000000000000001 "$(value 0 beta)"
n=$(value 0 responses 0 tokens length)
i=0 sum=0
while [ $i -lt "$n" ]; do sum="$sum + $(value 0 responses 0 tokens $i reward)"; i=$((i + 1)); done
is "tokens add up to the reward" same "$(echo "$sum" "$(value 0 responses 0 reward)" |
    awk '{ reward = $NF; s = 0; for (i = 1; i < NF; i += 2) s += $i; d = s - reward; print (d < 1e-9 && d > -1e-9 && reward != 0) ? "same" : s " " reward }')"
is "a token's reward is beta times its gain" same "$(echo "$(value 0 responses 0 tokens 3 logp)" "$(value 0 responses 0 tokens 3 ref)" \
    "$(value 0 responses 0 tokens 3 reward)" | awk '{ d = 0.1 * ($1 - $2) - $3; print (d < 1e-7 && d > -1e-7) ? "same" : $0 }')"
status 0 "credit for people" "$attune" credit --run bench-dpo --prompt 'Once upon a time' --response ' there was a fox.'
says out '^ +[-+][0-9.]+   fox$' "a token and what it earned"
# The samples of a run with a reference carry the same.
status 0 "samples with rewards" "$attune" show bench-dpo --samples 1 --json
n=$(value samples 0 tokens length)
i=0 sum=0
while [ $i -lt "$n" ]; do sum="$sum + $(value samples 0 tokens $i reward)"; i=$((i + 1)); done
is "a sample's tokens add up to its reward" same "$(echo "$sum" "$(value samples 0 reward)" | awk '{ reward = $NF; s = 0
    for (i = 1; i < NF; i += 2) s += $i; d = s - reward; print (d < 1e-4 && d > -1e-4 && reward != 0) ? "same" : s " " reward }')"
i=0 text=
while [ $i -lt "$n" ]; do text="$text$(value samples 0 tokens $i text; printf x)"; text=${text%x}; text=${text%?}; i=$((i + 1)); done
is "and their texts to its response" "$(value samples 0 response)" "$text"

status 0 "credit of data against itself" "$attune" credit --model models/demo --reference models/demo --data "$(ls p/bench/*held-out.jsonl | head -n 1)" --limit 2 --json
is "is nothing" "2 -0 -0" "$(value length) $(value 0 responses 0 reward | sed 's/^0$/-0/; s/^0\.0$/-0/') $(value 1 responses 1 reward | sed 's/^0$/-0/; s/^0\.0$/-0/')"
status 2 "credit of nothing" "$attune" credit --run bench-dpo
status 2 "credit without a reference" "$attune" credit --model models/demo --response x
status 4 "credit of no model" "$attune" credit --model nowhere --reference models/demo --response x

status 2 "no data" "$attune" bench objectives --model models/demo
status 2 "an unknown objective" $bench --objectives dpo,ipoo
says err 'did you mean' "the near one is named"
printf '{"prompt": "a", "completion": "b"}\n' >texts.jsonl
status 2 "data that are no pairs" "$attune" bench objectives --model models/demo --data texts.jsonl
says err 'preference pairs' "what is needed is said"
exit $bad
