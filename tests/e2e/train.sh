#!/bin/sh
# From pairs to an exported model with both real programs: train, steer, kill -9, resume, sample, export.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-..}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap '"$attune" stop long --wait >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
# until RUN FIELD PATTERN: waits for at most 60 s

# What it would take, before there is one.
check "train --plan" "$attune" train --objective dpo --model models/demo --plan
if grep -q "AdamW's two moments" "$work/out" && grep -q ' in all$' "$work/out" && [ ! -e "$work/p/runs" ]; then
    echo "ok the plan has its lines and starts nothing"
else
    echo "not ok the plan: $(cat "$work/out")"
    bad=1
fi
cat >huge.json <<'END'
{"model_type": "llama", "vocab_size": 32000, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5}
END
if "$attune" train --objective dpo --model huge.json --tokenizer models/demo --data demo/pairs.jsonl >out 2>err \
    </dev/null; then
    echo "not ok what cannot fit is refused"
    bad=1
elif grep -q "the run needs about .* (AdamW's two moments" err; then
    echo "ok what cannot fit is refused with what it would take"
else
    echo "not ok what cannot fit: $(cat err)"
    bad=1
fi
check "doctor --model" "$attune" doctor --model models/demo --json
is "it has the plan of adapters" true "$("$get" memory adapters lines 0 mapped <"$work/out")"

common="--model models/demo --data demo/pairs.jsonl --max-rows 60 --batch-size 4 --probe-every 0 --eval-every 0 --threads 1"
check "train" "$attune" train --objective dpo --name short $common --steps 4 --json
is "it is done" done "$("$get" state <"$work/out")"
is "its loss is recorded" 4 "$("$get" metrics loss points <"$work/out")"
checkpoint=$("$get" checkpoint <"$work/out")
check "the checkpoint is a model folder" "$attune" model show "$checkpoint" --json
is "of the demo's architecture" llama "$("$get" architecture family <"$work/out")"
check "show --metrics" "$attune" show short --metrics loss
is "one line a step" 4 "$(wc -l <"$work/out" | tr -d ' ')"

# The same run, killed in the middle and resumed, ends with the same bits.
check "train --detach" "$attune" train --objective dpo --name whole $common --steps 12 --save-every 3 --json
check "the same again, detached" "$attune" train --objective dpo --name long $common --steps 12 --save-every 3 --detach
until_is long step '^([4-9]|1[0-2])$'
kill -9 "$(field long pid)" 2>/dev/null
until_is long state '^(dead|done)$'
if [ "$(field long state)" = dead ]; then
    check "resume --follow after kill -9" "$attune" resume long --follow
fi
is "it is done" done "$(field long state)"
is "same weights" "$(cksum <"$work/p/runs/whole/checkpoints/step-12/model.safetensors")" \
    "$(cksum <"$work/p/runs/long/checkpoints/step-12/model.safetensors")"
"$attune" show whole --metrics loss >"$work/a"
"$attune" show long --metrics loss >"$work/b"
check "same curve" cmp "$work/a" "$work/b"

# The reference pass is shared by the runs of a project: another objective on the same model, data and text rules takes
# the numbers of the first, to the bit; other rules, other rows or another project make it anew.
head="--model models/demo --data demo/pairs.jsonl --max-rows 60 --batch-size 4 --steps 3 --probe-every 0 --threads 1"
borrows() { "$attune" show "$1" | grep -c "reference log-probabilities taken from run $2"; }
check "a run that makes a reference" "$attune" train --objective dpo --name made $head
check "one that takes it" "$attune" train --objective ipo --name taken $head
is "it says so" 1 "$(borrows taken made)"
check "the same where there is nothing to take" "$attune" train --objective ipo --name alone --project elsewhere $head
is "it takes none" 0 "$("$attune" show alone --project elsewhere | grep -c "taken from")"
is "the same weights" "$(cksum <elsewhere/runs/alone/checkpoints/step-3/model.safetensors)" \
    "$(cksum <p/runs/taken/checkpoints/step-3/model.safetensors)"
check "another length" "$attune" train --objective ipo --name cut $head --max-length 40
is "is another text" 0 "$(borrows cut .)"
check "other rows" "$attune" train --objective ipo --name rows $head --seed 7
is "are other numbers" 0 "$(borrows rows .)"

# Data from a pipe: everything reads it, and a run keeps it.
piped() { name=$1; shift; if cat six.jsonl | "$@" >out 2>err; then echo "ok $name"; else echo "not ok $name"
    sed 's/^/    /' err; bad=1; fi; }
head -n 6 "$source/share/attune/demo/pairs.jsonl" >six.jsonl
"$attune" score --model models/demo six.jsonl >wanted 2>/dev/null
piped "score from a pipe" "$attune" score --model models/demo /dev/stdin
is "is the score of the file" "$(cksum <wanted)" "$(cksum <out)"
piped "score of -" "$attune" score --model models/demo -
is "is the same" "$(cksum <wanted)" "$(cksum <out)"
piped "import from a pipe" "$attune" data import /dev/stdin
is "reads all rows" 1 "$(grep -c '^6 rows read' out)"
piped "prompts from a pipe" "$attune" sample --model models/demo --prompts /dev/stdin --max-tokens 2 --json
is "are all answered" 6 "$(grep -c '"text"' out)"
piped "train from a pipe" "$attune" train --objective dpo --name piped --model models/demo --data /dev/stdin \
    --steps 1 --probe-every 0
check "its data are kept" cmp six.jsonl "$(field piped data)"
is "a run of what is no data" 3 \
    "$(echo none | "$attune" train --objective dpo --model models/demo --data - --steps 1 >out 2>err; echo $?)"
is "keeps nothing" 1 "$(ls p/data | wc -l | tr -d ' ')"
is "and makes none" 0 "$("$attune" runs | grep -c failed)"
is "an empty pipe" 3 "$("$attune" score --model models/demo /dev/stdin >out 2>err </dev/null; echo $?)"
is "has no rows" 1 "$(grep -c 'it holds no rows' err)"

# Rows that are no use are said by every command that reads a file.
{ cat six.jsonl; echo '{"prompt": "a", "chosen": "b", "rejected": "b"}'; } >seven.jsonl
is "score of seven rows" 0 "$("$attune" score --model models/demo seven.jsonl >out 2>err; echo $?)"
is "answers six" 6 "$(grep -c '^line' out)"
is "and says why not seven" 1 "$(grep -c '1 row of seven.jsonl cannot be used; line 7: chosen and rejected are the same' err)"

# A run that is steered.
check "a run to steer" "$attune" train --objective dpo --name steered $common --steps 5000 --detach
is "a name of other programs" 2 "$("$attune" set steered learning_rate=1e-5 >out 2>err; echo $?)"
is "is explained" 1 "$(grep -c 'did you mean --lr' err)"
check "set --wait" "$attune" set steered lr=1e-5 beta=0.2 --wait
check "show while it runs" "$attune" show steered
is "it shows what is set now" 1 "$(grep -c '^  lr  *1e-05 (started with 2e-05)$' "$work/out")"
is "in JSON as well" 1e-05 "$(printf %g "$(field steered settings lr)")"
is "and what was set before" 2e-05 "$(printf %g "$(field steered started_with lr)")"
check "pause" "$attune" pause steered
until_is steered state '^paused$'
is "it is paused" paused "$(field steered state)"
check "resume" "$attune" resume steered
until_is steered state '^running$'
check "stop --wait" "$attune" stop steered --wait
is "it is stopped" stopped "$(field steered state)"
check "what was done is in the log" sh -c '"$1" log steered | grep -q "lr = "' - "$attune"

check "sample" "$attune" sample --run whole --max-tokens 8 --seed 3 --json "Once there was"
first=$("$get" 0 text <"$work/out")
check "sample again" "$attune" sample --run whole@12 --max-tokens 8 --seed 3 --json "Once there was"
is "the same seed, the same answer" "$first" "$("$get" 0 text <"$work/out")"
check "sample --prompt" "$attune" sample --run whole --max-tokens 8 --seed 3 --json --prompt "Once there was"
is "it is a prompt among the words" "$first" "$("$get" 0 text <"$work/out")"
check "export" "$attune" export whole "$work/exported" --dtype bf16
check "a prompt that begins like an option" "$attune" sample --run whole --max-tokens 2 --json -- "--help me"
check "what was exported answers" "$attune" sample --model "$work/exported" --max-tokens 4 "Once"
"$attune" export whole "$work/exported" >/dev/null 2>&1
is "nothing is overwritten" 2 $?
"$attune" train --objective dpo --model models/demo --data "$work/a" >/dev/null 2>"$work/err"
status=$?
[ $status != 0 ] && [ -s "$work/err" ] && echo "ok data that are none" || { echo "not ok data that are none"; bad=1; }

# A run that fails ends the command with the status that --help lists for its reason.
fails() {
    want=$1 name=$2 said=$3
    shift 3
    "$@" >"$work/out" 2>"$work/err" </dev/null
    is "$name" "$want" $?
    is "$name: the reason is said" 1 "$(grep -c "$said" "$work/err")"
}
for damage in cut config; do
    mkdir "$work/$damage"
    cp "$checkpoint"/* "$work/$damage"
done
head -c 100000 "$checkpoint/model.safetensors" >"$work/cut/model.safetensors"
echo '{"model_type": ' >"$work/config/config.json"
tiny="--data demo/pairs.jsonl --max-rows 20 --batch-size 4 --probe-every 0 --eval-every 0 --threads 1 --steps 2"
fails 3 "weights that are cut off" model.safetensors "$attune" train --objective dpo --model "$work/cut" $tiny
fails 3 "a config that is no JSON" config.json "$attune" train --objective dpo --model "$work/config" $tiny
fails 6 "a full disk at a checkpoint" 'No space left' env ATTUNE_FAULT_WRITE=5 \
    "$attune" train --objective dpo --name full --model models/demo $tiny
is "that run failed" failed "$(field full state)"
fails 6 "a resumed run on a full disk" 'No space left' env ATTUNE_FAULT_WRITE=5 "$attune" resume full --follow
check "the same with space again" "$attune" resume full --follow

# What the engine warns of is said by who follows it; a next life warns anew, and does not repeat the first one's.
warned() { is "$1" 1 "$(grep -c '^warning: 1 row of .* was refused, line 21: ' "$work/$2")"; }
{ head -n 20 "${ATTUNE_SRCDIR:-.}/share/attune/demo/pairs.jsonl"; echo '{"prompt": 7}'; } >"$work/some.jsonl"
some="--model models/demo --data $work/some.jsonl --batch-size 4 --probe-every 0 --eval-every 0 --threads 1 --steps 2"
fails 6 "one more full disk" 'No space left' env ATTUNE_FAULT_WRITE=6 "$attune" train --objective dpo --name warns $some
warned "a refused row is said" out
check "resume" "$attune" resume warns --follow
warned "and again" out
check "train --json" "$attune" train --objective dpo $some --json
warned "beside JSON" err
is "which stays JSON" done "$("$get" state <"$work/out")"

# Lists: an objective of lists takes them as they are, one of pairs says how it would.
i=0
while [ $i -lt 12 ]; do
    printf '{"prompt": "There was a dog %s", "completions": [{"response": "It was happy.", "score": 5}, %s{"response": "It ran.", "score": 2}]}\n' \
        $i "$([ $((i % 3)) = 0 ] && printf '{"response": "No %s.", "score": 2}, {"response": "Yes.", "score": 3}, ' $i)"
    i=$((i + 1))
done >"$work/lists.jsonl"
lists="--model models/demo --data $work/lists.jsonl --batch-size 4 --probe-every 0 --threads 1 --steps 3 --eval-share 0.3"
"$attune" train --objective dpo --name wrong $lists >/dev/null 2>"$work/err"
is "pairs only is said" 1 "$(grep -c 'pairs-from-lists best-worst' "$work/err")"
"$attune" show wrong >/dev/null 2>&1
is "before there is a run" 4 $?
check "dpo on pairs made of lists" "$attune" train --objective dpo --name of-lists $lists \
    --pairs-from-lists best-worst --json
check "dpo on diverse pairs of lists" "$attune" train --objective dpo --name of-diverse $lists \
    --pairs-from-lists divpo --pairs-share 0.5 --json
is "all of them have a better answer" 3 "$("$get" metrics rewards/accuracies points <"$work/out")"
check "a run on lists" "$attune" train --objective lipo-lambda --name lists $lists --json
is "its ordered pairs are counted" 3 "$("$get" metrics rewards/accuracies points <"$work/out")"
check "held-out ndcg" sh -c '"$1" show lists --metrics eval/rewards/ndcg | grep -q "[0-9]"' - "$attune"

check "doctor" "$attune" doctor --json
is "the project is in order" null "$("$get" project error <"$work/out")"

# What a run would fail of is refused before there is one.
runs() { "$attune" runs --json | "$get" length; }
before=$(runs)
printf '{"prompt": "a", "completion": "b"}\n' >"$work/texts.jsonl"
{ for i in 1 2 3 4 5 6 7 8; do echo '{"prompt": "a", "chosen": "b", "rejected": "b"}'; done
    head -n 20 "${ATTUNE_SRCDIR:-.}/share/attune/demo/pairs.jsonl"; } >"$work/refused.jsonl"
here="--objective dpo --name never --steps 1 --threads 1"
demo="--model models/demo --data demo/pairs.jsonl"
fails 2 "an unknown module for adapters" 'q_proj' "$attune" train $here $demo --lora-rank 4 --lora-targets nothing
fails 4 "an unknown template" 'chatml' "$attune" train $here $demo --chat-template nothing
fails 8 "a device that is not there" 'cuda' "$attune" train $here $demo --device cuda
fails 2 "data that the objective cannot learn from" 'preference pairs' "$attune" train $here --model models/demo \
    --data "$work/texts.jsonl"
fails 2 "held-out data that it cannot learn from" 'preference pairs' "$attune" train $here $demo \
    --eval-data "$work/texts.jsonl"
fails 3 "too many refused rows" '8 of 28 rows.*8 rows: line 1: chosen and rejected are the same' "$attune" train \
    $here --model models/demo --data "$work/refused.jsonl"
{ for i in 1 2 3 4 5 6 7 8; do echo \
    '{"prompt": [{"role": "user", "content": "a"}, {"role": "cook", "content": "b"}], "chosen": [{"role": "assistant", "content": "c"}], "rejected": [{"role": "assistant", "content": "d"}]}'; echo '{"prompt": [{"role": "user", "content": "a"}], "chosen": [{"role": "assistant", "content": "c"}], "rejected": [{"role": "assistant", "content": "d"}]}'; done; } >"$work/cooks.jsonl"
fails 3 "too many rows that the template refuses" '8 of 16 rows.*8 rows: line 1: .*cook' "$attune" train $here \
    --model models/demo --chat-template chatml --data "$work/cooks.jsonl"
fails 3 "of the held-out data as well" '8 of 16 rows.*8 rows: line 1: .*cook' "$attune" train $here $demo \
    --chat-template chatml --eval-data "$work/cooks.jsonl"
mkdir -p "$work/no-model" && echo '{"model_type": "mamba"}' >"$work/no-model/config.json"
fails 8 "a model that is none of the known" 'mamba' "$attune" train $here --model "$work/no-model" \
    --tokenizer models/demo --data demo/pairs.jsonl
is "none of them is a run" "$before" "$(runs)"
check "unless the rest shall do" "$attune" train $here --model models/demo --data "$work/refused.jsonl" \
    --allow-refused --probe-every 0

# Prompts of a text file, one a line; charts of a run; what resume takes.
printf 'Once upon a time\n\n  \nThe fox\r\nA third' >"$work/prompts.txt"
check "prompts of a text file" "$attune" sample --model models/demo --prompts "$work/prompts.txt" --max-tokens 4 --json
is "one a line" 3 "$(grep -c '"asked"' "$work/out")"
is "without the line's end" 'The fox' "$("$get" 1 asked <"$work/out")"
check "and one more" "$attune" sample --model models/demo --prompts "$work/prompts.txt" --limit 1 --prompt Tom \
    --max-tokens 4 --json
is "behind them" Tom "$("$get" 1 asked <"$work/out")"
check "charts of a run" "$attune" chart short loss rewards --size 60x8 --ascii
is "two of them" 2 "$(grep -c -- '- loss\|- rewards' "$work/out")"
is "its metrics complete" loss "$("$attune" completion words -- chart short lo | grep '^loss$')"
is "and after --metrics" logps/chosen "$("$attune" completion words -- show short --metrics logps/ch)"
fails 2 "resume either waits or not" follow "$attune" resume short --follow --detach
exit $bad
