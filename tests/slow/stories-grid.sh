#!/bin/sh
# The third layer of the proof: on a model that others trained (stories260K, 260,000 parameters) the paper's grid of
# conditional preference matching, beta 0.1, 0.5, 1 and alpha 0.1, 0.3, 0.5, beside KL-bound RLHF (rloo) at the same
# beta, several seeds. Prints a table like the paper's Table 1 (arXiv:2405.16455) with 95 % intervals over seeds, by how
# much each cell lowers the divergence, and a second one of where each objective has its optimum.
#   tests/slow/stories-grid.sh BUILD [SEEDS [FOLDER]]      about half an hour for three seeds on two idle cores
# FOLDER keeps runs and numbers; what is there already is not made again. docs/proof.md says what came out.
set -eu
[ $# -ge 1 ] || { sed -n '2,7s/^# *//p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
build=$(CDPATH='' cd "$1" && pwd)
seeds=${2:-3}
start=${ATTUNE_ASSETS:-$here/../../../shared/assets}/models/stories260K/hf
if [ ! -e "$start/model.safetensors" ]; then
    echo "skipped: $start is not here; set ATTUNE_ASSETS to a folder with models/stories260K/hf"
    exit 0
fi
if [ $# -ge 3 ]; then
    mkdir -p "$3"
    work=$(CDPATH='' cd "$3" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/attune-stories.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
export ATTUNE_ENGINE="${ATTUNE_ENGINE:-$build/attune-engine}" ATTUNE_PROJECT="$work/p"
get=$build/tests/lib/json_get

sample() { # MODEL SAMPLES MAX-TOKENS SEED ...
    model=$1 samples=$2 most=$3 seed=$4
    shift 4
    "$ATTUNE_ENGINE" sample --model "$model" --samples "$samples" --max-tokens "$most" --seed "$seed" --json yes "$@"
}
train() { # NAME OBJECTIVE ...
    as=$1 objective=$2
    shift 2
    "$build/attune" train --name "$as" --objective "$objective" --threads 1 --save-every 0 --probe-every 0 "$@" \
        >"$work/$as.log" 2>&1 || { cat "$work/$as.log" >&2; exit 1; }
}

# ---- what tuning starts from: a model that goes on with a story by one sentence, and a reward model for such sentences ----

if [ ! -d "$work/rm" ]; then
    for seed in 1 2 3 4; do
        sample "$start" 1000 120 "$seed" --temperature 0.8 "Once upon a time"
    done >"$work/stories.jsonl"
    awk -f "$here/stories-rows.awk" "$work/stories.jsonl" >"$work/rows.jsonl"
    sed -n '1,1200p' "$work/rows.jsonl" >"$work/sft.jsonl"
    sed -n '1201,2400p' "$work/rows.jsonl" >"$work/judged.jsonl"
    sed -n '2401,3600p' "$work/rows.jsonl" >"$work/prompts.jsonl"
    sed -n '3601,3800p' "$work/rows.jsonl" >"$work/held-out.jsonl"
    train sft sft --model "$start" --data "$work/sft.jsonl" --steps 100 --batch-size 32 --lr 1e-3 --eval-every 20
    "$build/attune" export sft "$work/sft" >/dev/null
    sample "$work/sft" 8 40 1 --prompts "$work/judged.jsonl" >"$work/answers.jsonl"
    awk -v seed=1 -f "$here/stories-pairs.awk" "$work/answers.jsonl" >"$work/pairs.jsonl"
    train rm rm --model "$work/sft" --data "$work/pairs.jsonl" --steps 150 --batch-size 32 --lr 5e-4 --eval-every 25 \
        --eval-rows 400
    "$build/attune" export rm "$work/rm" >/dev/null
fi

# ---- the grid ----

measures="pm_divergence reward length data/perplexity entropy kl/exact/token"
numbers() { # METHOD BETA ALPHA SEED EVALUATION
    for metric in $measures; do
        echo "$1 $2 $3 $4 $metric $("$get" measures "$metric" value <"$5")"
    done
}
measure() { # OUT BETA SEED --run NAME | --model DIR ...
    out=$1 beta=$2 seed=$3
    shift 3
    "$build/attune" eval "$@" --beta "$beta" --data "$work/held-out.jsonl" --rows 200 --samples 4 --max-tokens 40 \
        --seed "$seed" --json >"$out.tmp" 2>"$out.log" </dev/null || { cat "$out.log" >&2; exit 1; }
    mv "$out.tmp" "$out"
}
both() { # waits for two, and fails with the one that failed
    wait "$1"
    wait "$2"
}
cell() { # BETA ALPHA (kl: KL-bound) SEED
    name=b$1-a$2-s$3 run=b$1-a$2-s$3-$$ # what was interrupted keeps its name
    [ ! -e "$work/$name.json" ] || return 0
    case $2 in
    kl) how=rloo ;;
    *) how="conditional-pm-rlhf --alpha $2" ;;
    esac
    # shellcheck disable=SC2086
    train "$run" $how --beta "$1" --seed "$3" --model "$work/sft" --reward-model "$work/rm" --data "$work/prompts.jsonl" \
        --steps 40 --batch-size 16 --samples 8 --max-new-tokens 40 --lr 1e-4 --schedule linear --eval-every 0
    measure "$work/$name.json" "$1" "$3" --run "$run"
}

for beta in 0.1 0.5 1; do
    [ -e "$work/before-$beta.json" ] ||
        measure "$work/before-$beta.json" "$beta" 1 --model "$work/sft" --reference "$work/sft" --reward-model "$work/rm"
done
seed=1
while [ "$seed" -le "$seeds" ]; do
    for beta in 0.1 0.5 1; do
        cell "$beta" kl "$seed" &
        one=$!
        cell "$beta" 0.1 "$seed" &
        both $one $!
        cell "$beta" 0.3 "$seed" &
        one=$!
        cell "$beta" 0.5 "$seed" &
        both $one $!
    done
    seed=$((seed + 1))
done

# ---- the tables ----

if [ ! -e "$work/scores.jsonl" ]; then
    sample "$work/sft" 24 40 2 --prompts "$work/held-out.jsonl" >"$work/many.jsonl"
    awk -f "$here/stories-answers.awk" "$work/many.jsonl" >"$work/rows-to-score.jsonl"
    "$ATTUNE_ENGINE" score --model "$work/sft" --data "$work/rows-to-score.jsonl" --tokens yes >"$work/tokens.jsonl"
    "$ATTUNE_ENGINE" score --model "$work/rm" --data "$work/rows-to-score.jsonl" >"$work/scores.tmp"
    mv "$work/scores.tmp" "$work/scores.jsonl"
fi
: >"$work/numbers"
for beta in 0.1 0.5 1; do
    numbers before "$beta" - 0 "$work/before-$beta.json"
    seed=1
    while [ "$seed" -le "$seeds" ]; do
        for alpha in 0.1 0.3 0.5 kl; do
            numbers cell "$beta" "$alpha" "$seed" "$work/b$beta-a$alpha-s$seed.json"
        done
        seed=$((seed + 1))
    done
done >>"$work/numbers"
awk -v seeds="$seeds" -f "$here/interval.awk" -f "$here/stories-table.awk" "$work/numbers"
echo
awk -f "$here/stories-limit.awk" "$work/rows-to-score.jsonl" "$work/tokens.jsonl" "$work/scores.jsonl"
