#!/bin/sh
# Inputs as they are found in the world, each with the right value: a table of what was wanted and what came out. The
# inputs are not part of the project: $ATTUNE_CASES, else ../shared/cases beside the source tree; skipped without them.
set -u
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
cases=${ATTUNE_CASES:-$source/../shared/cases} assets=${ATTUNE_ASSETS:-$source/../shared/assets}
if [ ! -d "$cases" ]; then
    echo "skip the cases are not here (set ATTUNE_CASES)"
    exit 77
fi
cases=$(CDPATH='' cd "$cases" && pwd)
build=$(CDPATH='' cd "$build" && pwd)
[ -d "$assets" ] && assets=$(CDPATH="" cd "$assets" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work" || exit 1
bad=0

# row NAME WANTED GOT VERDICT: a line of the table
row() {
    if [ "$4" = 0 ]; then word=ok; else word='not ok' bad=1; fi
    printf '%-6s %-44s wanted %-26s got %s\n' "$word" "$1" "$2" "$3"
}
# near NAME WANTED GOT BOUND
near() {
    verdict=1
    awk -v a="$2" -v b="$3" -v c="$4" 'BEGIN { d = a - b; exit !(b != "" && d <= c && d >= -c) }' && verdict=0
    row "$1" "$2" "$3" "$verdict"
}
# same NAME WANTED GOT
same() { if [ "$2" = "$3" ]; then row "$1" "$2" "$3" 0; else row "$1" "$2" "$3" 1; fi; }
# holds NAME PATTERN: the last command's output has it
holds() {
    if grep -q -- "$2" out err; then row "$1" "$2" "$2" 0; else row "$1" "$2" "$(head -c 300 err)$(head -c 300 out)" 1; fi
}
run() { timeout 200 "$@" >out 2>err </dev/null; }
# logp GROUP RESPONSE: of the last score
logp() { "$get" "$1" responses "$2" logp <out 2>/dev/null; }

# ---- models: log-probabilities as transformers has them ----
for name in rope_parameters_llama3 saved-by-transformers-5 model_max_length_1e30 unknown_chat_template \
    tied-but-different-head; do
    run "$attune" score --model "$cases/models/$name" "$cases/models/pairs.jsonl" --json
    for group in 0 1 2; do
        near "models/$name $group chosen" "$("$get" $group chosen logp <"$cases/models/$name/expected.json")" \
            "$(logp $group 0)" 2e-4
        near "models/$name $group rejected" "$("$get" $group rejected logp <"$cases/models/$name/expected.json")" \
            "$(logp $group 1)" 2e-4
    done
done

# ---- adapters ----
if [ -d "$assets/models/stories260K/hf" ]; then
    cp -r "$cases/adapters/alpha_pattern" alpha_pattern
    ln -s "$assets/models/stories260K/hf" stories260K
    run "$attune" score --model alpha_pattern "$cases/adapters/pair.jsonl" --chat-template none --json
    # Its weights are large: f32 itself is 1.3e-3 from f64 here (-108.16611), and each kernel rounds in its own way.
    near adapters/alpha_pattern -108.16741 "$(logp 0 0)" 2e-3
    # ---- the boundary of prompt and answer ----
    run "$attune" score --model stories260K "$cases/text/boundary/stories260K.jsonl" --json
    near "text/boundary comma" -22.64 "$(logp 0 0)" 0.01
    near "text/boundary quote, chosen" -36.92 "$(logp 1 0)" 0.01
    near "text/boundary quote, rejected" -35.49 "$(logp 1 1)" 0.01
else
    echo "skip stories260K is not here (set ATTUNE_ASSETS)"
fi

# ---- a run is scored as it trained ----
run "$attune" train --objective dpo --name trained --model "$cases/text/score-as-trained/model" --threads 1 --steps 1 \
    --data "$cases/text/score-as-trained/train.jsonl" --lr 1e-12 --warmup 0 --batch-size 12 --eval-share 0 --probe-every 0
run "$attune" show trained --metrics logps/chosen
near "text/score-as-trained in training" -153.505 "$(tail -n 1 out | cut -f 2)" 1e-3
run "$attune" score --run trained "$cases/text/score-as-trained/train.jsonl" --json
mean=$(for i in 0 1 2 3 4 5 6 7 8 9 10 11; do logp $i 0; done | awk '{ s += $1 } END { print s / NR }')
near "text/score-as-trained by score" -153.505 "$mean" 1e-3

# ---- prompts that went through the template beforehand ----
run "$attune" score --model "$cases/text/rendered-before/model" "$cases/text/rendered-before/pretemplated.jsonl" --json
same "text/rendered-before prompt tokens" 15 "$("$get" 0 prompt_tokens <out 2>/dev/null)"

# ---- data: what each file is ----
# kind FILE KIND EXAMPLES
kind() {
    run "$attune" data import "$cases/data/$1" --json --out normal.jsonl
    same "data/$1" "$2, $3" "$("$get" kind <out 2>/dev/null), $("$get" examples <out 2>/dev/null)"
}
# line N MEMBER...: of the normal form that the last `kind` wrote
line() {
    n=$1
    shift
    sed -n "${n}p" normal.jsonl | "$get" "$@" 2>/dev/null
}
kind BeaverTails.jsonl "answers marked good or bad" 3
same "data/BeaverTails.jsonl label" "true false" "$(line 1 label) $(line 2 label)"
kind H4-ultrafeedback_binarized.jsonl "preference pairs" 3
same "data/H4... chosen" "The capital of France is Paris." "$(line 1 chosen)"
kind HelpSteer3-preference.jsonl "preference pairs" 3
same "data/HelpSteer3... chosen" "The capital of France is Paris." "$(line 1 chosen)"
kind LLMBar.jsonl "preference pairs" 3
same "data/LLMBar.jsonl chosen" "no" "$(line 2 chosen)"
kind Nectar.jsonl "ranked lists" 3
same "data/Nectar.jsonl best" "-1.0" "$(line 1 completions 0 score)"
kind PKU-SafeRLHF.jsonl "preference pairs" 3
same "data/PKU-SafeRLHF.jsonl chosen" "The capital of France is Paris." "$(line 1 chosen)"
kind SHP.jsonl "preference pairs" 3
same "data/SHP.jsonl chosen" "The capital of France is Paris." "$(line 1 chosen)"
kind UltraInteract_pair.jsonl "preference pairs" 3
same "data/UltraInteract... prompt" "What is the capital of France?" "$(line 1 messages 0 content)"
kind arena-55k.jsonl "preference pairs" 3
same "data/arena-55k.jsonl tie" 0.5 "$(line 3 share)"
kind bigid.jsonl "preference pairs" 2
kind nan2.jsonl "preference pairs" 2
kind pairs.csv "preference pairs" 3
same "data/pairs.csv quoted" "Because of the sea, I think." "$(line 3 rejected)"
kind hh-short.jsonl "preference pairs" 3
kind votes.jsonl "preference pairs" 1
same "data/votes.jsonl 2:1 for the rejected" "b" "$(line 1 chosen)"
near "data/votes.jsonl share of chosen" 0.6666667 "$(line 1 share)" 1e-6
run "$attune" data import "$cases/data/votes.jsonl"
holds "data/votes.jsonl votes as an object" '"votes" is an object'
holds "data/votes.jsonl share as a text" '"share" is a text'
kind tools.jsonl "preference pairs" 2
same "data/tools.jsonl keeps the calls" now "$(line 1 chosen 0 tool_calls 0 function name)"

# ---- HH transcripts for a model without a template; members that a template does not render ----
if [ -d stories260K ]; then
    run "$attune" train --objective dpo --name hh --model stories260K --data "$cases/data/hh-short.jsonl" --threads 1 \
        --steps 1 --lr 1e-12 --warmup 0 --batch-size 16 --eval-share 0 --probe-every 0
    run "$attune" show hh --metrics logps/chosen
    near "data/hh-short.jsonl as hh" -44.58 "$(tail -n 1 out | cut -f 2)" 0.01
    run "$attune" score --model stories260K "$cases/data/tools.jsonl" --chat-template chatml --json
    holds "data/tools.jsonl, a template without tools" '"t[a-z_]*"'
fi
exit $bad
