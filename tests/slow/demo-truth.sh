#!/bin/sh
# The second layer of the proof: from the demo's model and one reward model, DPO, KL-bound RLHF (ppo), preference
# matching and conditional preference matching side by side, several seeds, each measured by `attune eval` on fresh
# openings, against the known truth. Prints a table with 95 % intervals over seeds; fails where a claim of README does
# not hold.
#   tests/slow/demo-truth.sh BUILD [SEEDS [FOLDER]]      about half an hour for five seeds on two idle cores
# FOLDER keeps runs and numbers; what is there already is not made again. docs/proof.md says what came out.
set -eu
[ $# -ge 1 ] || { sed -n '2,7s/^# *//p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
build=$(CDPATH='' cd "$1" && pwd)
seeds=${2:-5}
if [ $# -ge 3 ]; then
    mkdir -p "$3"
    work=$(CDPATH='' cd "$3" && pwd)
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/attune-truth.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
export ATTUNE_ENGINE="${ATTUNE_ENGINE:-$build/attune-engine}" ATTUNE_PROJECT="$work/p"
get=$build/tests/lib/json_get
[ -e "$work/held-out.jsonl" ] || "$build/attune" demo pairs --n 200 --seed 99 --out "$work/held-out.jsonl" >/dev/null

measure() { # OUT --run NAME | --model DIR ...
    out=$1
    shift
    "$build/attune" eval "$@" --reward-model models/demo-reward --beta 1 --data "$work/held-out.jsonl" --rows 200 \
        --samples 4 --max-tokens 64 --styles --json >"$out.tmp" 2>"$out.log" </dev/null || { cat "$out.log" >&2; exit 1; }
    mv "$out.tmp" "$out"
}
tune() { # OBJECTIVE SEED ...
    objective=$1 seed=$2 name=$1-$2 run=$1-$2-$$ # what was interrupted keeps its name
    shift 2
    [ ! -e "$work/$name.json" ] || return 0
    "$build/attune" train --name "$run" --objective "$objective" --seed "$seed" --model models/demo --data demo/pairs.jsonl \
        --beta 1 --max-length 256 --probe-every 0 --eval-every 0 --save-every 0 --threads 1 "$@" >"$work/$run.log" 2>&1 ||
        { cat "$work/$run.log" >&2; exit 1; }
    measure "$work/$name.json" --run "$run" --seed "$seed"
}
both() { # waits for two, and fails with the one that failed
    wait "$1"
    wait "$2"
}
answers="--reward-model models/demo-reward --samples 8 --batch-size 16 --max-new-tokens 64 --steps 50"

[ -e "$work/before.json" ] || measure "$work/before.json" --model models/demo --reference models/demo
seed=1
while [ "$seed" -le "$seeds" ]; do
    tune dpo "$seed" --lr 2e-4 --steps 100 --batch-size 32 &
    one=$!
    # shellcheck disable=SC2086
    tune ppo "$seed" $answers --lr 3e-4 --value-lr 1e-3 &
    both $one $!
    # shellcheck disable=SC2086
    tune pm-rlhf "$seed" $answers --lr 3e-4 &
    one=$!
    # shellcheck disable=SC2086
    tune conditional-pm-rlhf "$seed" $answers --lr 3e-4 --alpha 0.003 &
    both $one $!
    seed=$((seed + 1))
done

measures="style/cozy style/adventure style/song style/none pm_divergence perplexity data/perplexity kl/exact entropy"
numbers() { # METHOD SEED EVALUATION
    for metric in $measures; do
        echo "$1 $2 $metric $("$get" measures "$metric" value <"$3")"
    done
}
numbers before 0 "$work/before.json" >"$work/numbers"
for method in dpo ppo pm-rlhf conditional-pm-rlhf; do
    seed=1
    while [ "$seed" -le "$seeds" ]; do
        numbers "$method" "$seed" "$work/$method-$seed.json" >>"$work/numbers"
        seed=$((seed + 1))
    done
done
awk -f "$here/interval.awk" -f "$here/demo-table.awk" "$work/numbers"
