#!/bin/sh
# Makes the demo's model, pairs and ground truth again from nothing, with the project's own programs:
#   data/make-demo-model.sh BUILD [OUT]
# BUILD is the folder with `attune` and `attune-engine`; OUT (share/attune beside this folder when not given) gets
# models/demo, models/demo-reward and demo/. About six minutes on two cores. The same build on the same kind of CPU gives the same
# bytes, whatever the number of threads.
set -eu

[ $# -ge 1 ] || { sed -n '2,6s/^# *//p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
build=$(CDPATH='' cd "$1" && pwd)
out=${2:-$here/../share/attune}
work=$(mktemp -d "${TMPDIR:-/tmp}/attune-demo-model.XXXXXX")
trap 'rm -rf "$work"' EXIT
PATH=$build:$PATH
ATTUNE_ENGINE=${ATTUNE_ENGINE:-$build/attune-engine}
export ATTUNE_ENGINE

mkdir -p "$out/models" "$out/demo"
attune demo corpus --n 30000 --seed 1 --out "$work/stories.txt"
"$ATTUNE_ENGINE" tokenizer-train --text "$work/stories.txt" --vocab-size 1024 --out "$work/tokenizer" >/dev/null
# Training begins every text with the special token; prompts must begin with it as well.
sed '/^  "post_processor": {$/,/^  },$/c\
  "post_processor": {"type": "TemplateProcessing",\
    "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],\
    "pair": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},\
      {"Sequence": {"id": "B", "type_id": 0}}],\
    "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}}},' \
    "$work/tokenizer/tokenizer.json" >"$work/tokenizer.json"
mv "$work/tokenizer.json" "$work/tokenizer/tokenizer.json"
# Once to learn the stories, then more slowly over new ones until the shares of the styles are right.
learn() { # NAME MODEL STORIES STEPS BATCH RATE
    attune train --project "$work/project" --objective sft --name "$1" --model "$2" --tokenizer "$work/tokenizer" \
        --data "$3" --eval-share 0.01 --eval-rows 128 --eval-every 250 --probe-every 0 --save-every 0 --keep 1 \
        --steps "$4" --batch-size "$5" --max-batch-tokens 4096 --max-length 256 --seed 1 \
        --lr "$6" --beta2 0.99 --warmup 0.03 --weight-decay 0.01 --schedule linear --precision f32
}
learn first "$here/demo-model.json" "$work/stories.txt" 2400 12 3e-3
attune demo corpus --n 30000 --seed 2 --out "$work/more.txt"
learn demo "$work/project/runs/first/checkpoints/step-2400" "$work/more.txt" 1200 16 1.5e-3

rm -rf "$out/models/demo"
attune export demo "$out/models/demo" --project "$work/project"
attune demo pairs --n 1500 --seed 1 --out "$out/demo/pairs.jsonl"
# What people like of endings, learnt from the pairs alone.
attune train --project "$work/project" --objective rm --name rm --model "$out/models/demo" --data "$out/demo/pairs.jsonl" \
    --steps 250 --batch-size 16 --lr 3e-4 --max-length 256 --eval-every 50 --save-every 0
rm -rf "$out/models/demo-reward"
attune export rm "$out/models/demo-reward" --project "$work/project"
rm -f "$out/models/demo-reward/README.md" "$out/models/demo-reward/chat_template.jinja"
attune demo truth --json >"$out/demo/truth.json"
