#!/bin/sh
# Runs on the CUDA backend whose kernels the CPU runs, as on a machine with two GPUs: which one is told by number, what is refused,
# and that runs of a sweep that work at once have each its own.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work" XDG_RUNTIME_DIR="$work"
export ATTUNE_CUDA="$build/tests/gpu/cuda-on-host.so" ATTUNE_CUDA_HOST_DEVICES=2
[ -f "$ATTUNE_CUDA" ] || { echo "skipped: there is no $ATTUNE_CUDA, which needs a C++ compiler"; exit 77; }
cd "$work"
says() { if grep -q -- "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s:\n' "$1"; sed 's/^/    /' "$3"; bad=1; fi; }

"$attune" doctor >out
says "doctor sees a GPU" '^GPU .*available' out

cat >new.json <<'END'
{"model_type": "llama", "vocab_size": 4096, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
 "num_key_value_heads": 1, "intermediate_size": 16, "max_position_embeddings": 128, "initializer_range": 0.2}
END
base="--model new.json --tokenizer models/demo --data demo/pairs.jsonl --max-rows 8 --batch-size 1 --max-length 24 --probe-every 0
 --eval-share 0 --threads 1"
train="$attune train --objective sft $base --steps 1"
refuses 2 'device cuda:2 cannot be used: there is no GPU 2: this machine has 2, counted from 0. Use --device auto' "a GPU that is not there" \
    $train --device cuda:2
refuses 2 'is not one of: auto, cpu, cuda, cuda:0' "a number that is none" $train --device cuda:x
refuses 2 'is not one of: auto, cpu, cuda, cuda:0' "a number below 0" $train --device cuda:-1
refuses 2 'behind cuda: stands the number of a GPU' "the same where a model is asked" \
    "$build/attune-engine" sample --model "${ATTUNE_SRCDIR:-.}/share/attune/models/demo" Hello --device cuda:x

check "a run on the second" $train --device cuda:1 --name second
"$attune" log second >out
says "its log says so" 'are trained on cuda:1, host 1 (f32)' out
check "a run that takes what is there" $train --name first
"$attune" log first >out
says "takes the first" 'are trained on cuda:0, host 0 (f32)' out

check "a sweep of two at once" "$attune" sweep --objective sft $base --steps 12 --set seed=1,2 --at-most 2 --name two
for run in two.seed1 two.seed2; do "$attune" log $run | grep -o 'on cuda:.'; done | sort | tr '\n' ' ' >out
is "has them on both" "on cuda:0 on cuda:1 " "$(cat out)"

cat >script <<'END'
size 120x50
new sft
edit model new.json
edit tokenizer models/demo
edit data demo/pairs.jsonl
edit device cuda:1
plan
wait device  cuda:1, host 1
END
check "the plan of a run names its GPU" "$attune" --script script
exit $bad
