#!/bin/sh
# Reward models with both real programs: two halves of the data, scores, rewards of tokens, verdicts, and what is refused.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
data=$(CDPATH='' cd "$source/tests/data/corpus" && pwd)
build=$(CDPATH='' cd "$build" && pwd)
source_share=$(CDPATH='' cd "$source/share/attune" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work" || exit 1
# refuses PATTERN NAME COMMAND...
refuses() {
    pattern=$1 name=$2
    shift 2
    timeout 100 "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" = 2 ] && grep -q -- "$pattern" "$work/err"; then printf 'ok %s\n' "$name"; else
        printf 'not ok %s: status %s\n' "$name" "$got"
        sed 's/^/    /' "$work/err"
        bad=1
    fi
}
# between NAME LOW HIGH GOT
between() {
    if awk "BEGIN { exit !($4 + 0 >= $2 && $4 + 0 <= $3) }" 2>/dev/null; then printf 'ok %s\n' "$1"; else
        printf 'not ok %s: "%s" is not from %s to %s\n' "$1" "$4" "$2" "$3"
        bad=1
    fi
}

check "responses to score" "$attune" demo pairs --n 8 --seed 9 --out held-out.jsonl
common="--model models/demo --data demo/pairs.jsonl --eval-data held-out.jsonl --max-rows 60 --batch-size 4 --eval-every 0 --threads 1 --steps 3 --lr 1e-3"
check "a reward model on one half" "$attune" train --objective rm --name one --part 1/2 $common --json
check "another on the other half" "$attune" train --objective rm --name two --part 2/2 $common --json
check "its log" "$attune" log two
if grep -q 'part 2/2: [0-9]* of [0-9]* rows' "$work/out"; then echo "ok the half is in the log"
else echo "not ok the half is in the log"; bad=1; fi
check "show has the calibration error" "$attune" show one --metrics eval/rewards/ece
between "it is a share" 0 1 "$(tail -n 1 "$work/out" | cut -f 2)"
check "they are compared" "$attune" model agree one two --data held-out.jsonl --json
between "share ranked alike" 0 1 "$("$get" ranked_alike <"$work/out")"
between "correlation" -1 1 "$("$get" correlation <"$work/out")"
check "with itself a model agrees" "$attune" model agree one one@3 --data held-out.jsonl --json
is "in every pair" 1.0 "$("$get" ranked_alike <"$work/out")"
# Weights that are no numbers, or so large that what comes out is none: said, with a status of its own, never null or 0.
# patch FILE BYTES: the last 4096 bytes, in fours
patch() {
    size=$(wc -c <"$1")
    i=0
    while [ $i -lt 1024 ]; do printf "$2"; i=$((i + 1)); done |
        dd of="$1" bs=4096 seek=$((size - 4096)) oflag=seek_bytes conv=notrunc 2>/dev/null
}
# numeric NAME PATTERN COMMAND...
numeric() {
    name=$1 pattern=$2
    shift 2
    timeout 100 "$@" >"$work/out" 2>"$work/err" </dev/null
    is "$name" 9 $?
    is "$name: where" 1 "$(grep -c "$pattern" "$work/err")"
}
here_one=$(ls -d p/runs/one/checkpoints/step-* | tail -n 1)
for what in nan:'\000\000\300\177' huge:'\377\377\177\177'; do
    kind=${what%%:*}
    cp -r "$here_one" "reward-$kind"
    cp -r "$source_share/models/demo" "model-$kind"
    patch "reward-$kind/model.safetensors" "${what#*:}"
    patch "model-$kind/model.safetensors" "${what#*:}"
done
numeric "agree on NaN weights" 'element [0-9]* of tensor' "$attune" model agree reward-nan two --data held-out.jsonl
numeric "agree on huge weights" 'reward-huge gives to a response of example 1 is no number' "$attune" model agree \
    reward-huge two --data held-out.jsonl
numeric "score on NaN weights" 'element [0-9]* of tensor' "$attune" score --model model-nan held-out.jsonl
numeric "score on huge weights" 'line 1 of the data is no number: responses' "$attune" score --model model-huge \
    held-out.jsonl --json
numeric "credit on NaN weights" 'element [0-9]* of tensor' "$attune" credit --model model-nan --reference models/demo \
    --data held-out.jsonl
numeric "credit on huge weights" 'line 1 of the data is no number: responses' "$attune" credit --model model-huge \
    --reference models/demo --data held-out.jsonl
numeric "sample on huge weights" 'not finite' "$attune" sample --model model-huge x
numeric "train on NaN weights" 'element [0-9]* of tensor' "$attune" train --objective sft --model model-nan \
    --data held-out.jsonl --steps 1
check "as text" "$attune" model agree one two --data held-out.jsonl
refuses "is no reward model" "a model that scores nothing is refused" "$attune" model agree one models/demo \
    --data held-out.jsonl

check "scores" "$attune" score --run one held-out.jsonl --limit 3 --json
is "of a pair's two responses" 2 "$("$get" 0 responses length <"$work/out")"
is "the label of the chosen one" 1.0 "$("$get" 0 responses 0 label <"$work/out")"
refuses "scores whole responses" "it has no rewards of tokens" "$attune" score --run one held-out.jsonl --tokens
refuses "reward head" "it does not judge" "$attune" score --run one held-out.jsonl --judge
check "log-probabilities of any model" "$attune" score --model models/demo held-out.jsonl --limit 1 --tokens --json
between "they are negative" -1e9 0 "$("$get" 0 responses 0 logp <"$work/out")"

check "a token-level reward model" "$attune" train --objective rm-token --name token $common --json
check "rewards of its tokens" "$attune" score --run token held-out.jsonl --limit 1 --tokens --json
is "one for each" "$("$get" 0 responses 0 n_tokens <"$work/out")" "$("$get" 0 responses 0 tokens length <"$work/out")"
check "exported it is the same" "$attune" export token exported
check "and still has them" "$attune" score --model exported held-out.jsonl --limit 1 --tokens

check "a preference model" "$attune" train --objective preference-model --name judge $common --json
check "show has its position bias" "$attune" show judge --metrics eval/position_bias
check "its verdicts" "$attune" score --run judge held-out.jsonl --limit 3 --judge --json
first=$("$get" 0 first_wins <"$work/out")
between "a probability" 0 1 "$first"
mean=$(awk "BEGIN { printf \"%.6f\", ($("$get" 0 as_a <"$work/out") + $("$get" 0 as_b <"$work/out")) / 2 }")
is "the mean of both orders" "$mean" "$(printf '%.6f' "$first")"
check "as text" "$attune" score --run judge held-out.jsonl --limit 3 --judge

# What cannot score is refused before there is a run, for the command line and for the form, which asks the engine.
refused_early() { # NAME PATTERN OPTION...
    name=$1 pattern=$2
    shift 2
    timeout 100 "$attune" train --objective grpo --name early --model models/demo --data demo/pairs.jsonl --max-rows 60 \
        --max-length 128 --max-new-tokens 32 --steps 1 "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" != 0 ] && grep -q -- "$pattern" "$work/err" && [ ! -e p/runs/early ]; then printf 'ok %s\n' "$name"; else
        printf 'not ok %s: status %s\n' "$name" "$got"
        sed 's/^/    /' "$work/err"
        bad=1
    fi
}
shrink() { # FROM TO: a model that reads less than it was trained on
    cp -r "$(ls -d p/runs/"$1"/checkpoints/step-* | tail -n 1)" "$2"
    sed -i 's/"max_position_embeddings": 256/"max_position_embeddings": 64/' "$2/config.json"
}
shrink one short-reward
shrink judge short-judge
cp -r "$(ls -d p/runs/one/checkpoints/step-* | tail -n 1)" cut
truncate -s 100000 cut/model.safetensors
mkdir empty
refused_early "a model without a reward head" "scores nothing: train one" --reward-model models/demo
refused_early "one that is only watched" "scores nothing: train one" --rewards length:1..9 --watch-model models/demo
refused_early "a reward model that reads less" "reads at most 64 tokens, and a prompt with" --reward-model short-reward
refused_early "one that is cut short" "lies outside of the file" --rewards model:cut
refused_early "an empty folder" "scores nothing" --reward-model empty
refused_early "a preference model that reads less than its rules say" "reads at most 64 tokens, and was trained on 256" \
    --rewards preference:short-judge
cp -r short-judge cut-judge
truncate -s 100000 cut-judge/model.safetensors
refused_early "a preference model that is cut short" "lies outside of the file" --rewards preference:cut-judge
refused_early "a reward model in its place" "which scores an answer and compares none" --rewards "preference:$here_one"
refused_early "a folder that is not there" "preference model is not there: there is no folder nowhere" --rewards preference:nowhere
refused_early "nor a reward model's" "reward model is not there: there is no folder nowhere" --rewards model:nowhere
cp "$source_share/models/demo"/*.json empty
refused_early "a policy without weights" "has no model.safetensors" --rewards length:1..9 --model empty
settings=$(printf '{"model": "%s", "data": "%s", "reward-model": "%s", "max-length": 128}' \
    "$source_share/models/demo" "$source_share/demo/pairs.jsonl" "$source_share/models/demo")
"$build/attune-engine" check --objective grpo --settings "$settings" >"$work/out" 2>&1
if grep -q "scores nothing: train one" "$work/out"; then echo "ok the form hears of it"
else echo "not ok the form hears of it"; sed 's/^/    /' "$work/out"; bad=1; fi

check "ties are left out with a word" "$attune" train --objective dpo --name shares --allow-refused \
    --model models/demo --data "$data/shares.jsonl" \
    --eval-share 0 --probe-every 0 --batch-size 2 --steps 1 --threads 1
check "their log" "$attune" log shares
if grep -q '1 tie was left out' "$work/out"; then echo "ok in the log"; else echo "not ok in the log"; bad=1; fi
exit $bad
