#!/bin/sh
# on-device.sh without a device: it says so and ends with 77; and with the plugin that the host's build makes (cuda-on-host.so), on
# which some operations and a small training are done as they would be on a card. What a run needs of a card's memory is said too.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=$(cd "${ATTUNE_BUILDDIR:-.}" && pwd) source=$(cd "${ATTUNE_SRCDIR:-.}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export HOME="$work" BIN="$build"
cd "$work"
says() { if grep -qE "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s:\n' "$1"; sed 's/^/    /' "$3"; bad=1; fi; }

ATTUNE_CUDA=$work/none.so "$source/tests/gpu/on-device.sh" none >out 2>err
is "without a plugin it ends with 77" 77 $?
says "and says why" "^gpu.none.*none.so cannot be read" none/results.tsv

export ATTUNE_CUDA="$build/tests/gpu/cuda-on-host.so"
LIMIT=200 PARTS="operations training rows" ROWS="small-real small-lora small-decode small-rloo small-start" ROUNDS=1 OPERATIONS='norms large_copies too_much*' TRAININGS="dpo" TRAIN_STEPS=2 TRAIN_ROWS=6 TRAIN_BATCH=1 \
    "$source/tests/gpu/on-device.sh" here >out 2>err
is "on the stand-in all is as it should be" 0 $?
[ $bad = 0 ] || sed 's/^/    /' out err here/train-*.txt
says "operations were checked" "^operations.norms.ok" here/results.tsv
says "copies and refusals too" "^operations.too_much_memory_is_refused_in_words.ok" here/results.tsv
says "a training is beside the cpu's" "^training.dpo, 2 steps.[0-9.e-]+.relative.bound" here/results.tsv

says "steps are measured, of texts of many lengths" "^rows.small-real.[0-9.]+.ms" here/results.tsv
says "and of adapters over weights that nobody drew" "^rows.small-lora.[0-9.]+.ms" here/results.tsv
says "with the memory that they hold there" "^rows.small-lora.[0-9.]+.GiB" here/results.tsv
says "tokens are drawn, as recordings" "^rows.small-decode.[0-9]+.tokens/s" here/results.tsv
says "and learnt from" "^rows.small-rloo.[0-9.]+.ms" here/results.tsv
says "and how long a run takes to its first step" "^rows.small-start.[0-9]+.[0-9]+.s" here/results.tsv

# A card's memory: said in the plan, and refused before a start.
export ATTUNE_PROJECT="$work/p"
check "a plan on a card" "$build/attune" train --objective dpo --model models/demo --device cuda --plan
says "has what is free there" "64.0 GiB +free now on the GPU" out
cat >huge.json <<'END'
{"model_type": "llama", "vocab_size": 32000, "hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5}
END
refuses 6 "the run needs about .* of the GPU's memory (AdamW's two moments .*, and 64.0 GiB are free: train adapters" \
    "what cannot fit is refused" "$build/attune" train --objective dpo --model huge.json --tokenizer models/demo --data demo/pairs.jsonl --device cuda
exit $bad
