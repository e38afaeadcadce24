#!/bin/sh
# The second layer of the proof: from the demo's model and one reward model, DPO, KL-bound RLHF, preference matching and conditional
# preference matching side by side, several seeds, against the known truth. Prints a table; fails where a claim of README does not hold.
#   tests/slow/demo-truth.sh BUILD [SEEDS]           about a quarter of an hour for five seeds on two cores
set -eu
build=$(CDPATH='' cd "$1" && pwd)
seeds=${2:-5}
work=$(mktemp -d "${TMPDIR:-/tmp}/attune-truth.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ATTUNE_ENGINE="${ATTUNE_ENGINE:-$build/attune-engine}" ATTUNE_PROJECT="$work/p"

train() { # NAME OBJECTIVE SEED ...
    name=$1 objective=$2 seed=$3
    shift 3
    "$build/attune" train --name "$name" --objective "$objective" --seed "$seed" --model models/demo --data demo/pairs.jsonl --max-length 256 \
        --probe-styles --probe-prompts 128 --threads 1 --save-every 0 "$@" >"$work/$name.log" 2>&1 || { cat "$work/$name.log" >&2; exit 1; }
}
answers="--reward-model models/demo-reward --samples 8 --batch-size 16 --max-new-tokens 64 --lr 3e-4 --beta 1 --steps 50 --probe-every 5"
last() { # RUN METRIC: the mean over the last three probes
    "$build/attune" show "$1" --metrics "$2" | tail -n 3 | awk '{ s += $NF; n++ } END { printf "%.6f", s / n }'
}

seed=1
while [ "$seed" -le "$seeds" ]; do
    train "dpo-$seed" dpo "$seed" --beta 1 --lr 2e-4 --steps 100 --batch-size 32 --probe-every 10 --eval-every 0 &
    # shellcheck disable=SC2086
    train "kl-$seed" rloo "$seed" $answers
    wait
    # shellcheck disable=SC2086
    train "pm-$seed" pm-rlhf "$seed" $answers &
    # shellcheck disable=SC2086
    train "conditional-$seed" conditional-pm-rlhf "$seed" --alpha 0.003 $answers
    wait
    seed=$((seed + 1))
done

metrics="style/cozy style/adventure style/song style/none kl"
printf '%-12s %-18s %-18s %-18s %-18s %s\n' "" cozy adventure song "no style" "KL to the start (nats)"
for method in dpo kl pm conditional; do
    printf '%-12s' "$method"
    for metric in $metrics; do
        seed=1
        while [ "$seed" -le "$seeds" ]; do
            last "$method-$seed" "$metric"
            echo
            seed=$((seed + 1))
        done | awk -v m="$metric" -v k="$method" -v file="$work/means" '{ s += $1; q += $1 * $1; n++ }
            END { a = s / n; d = n > 1 ? sqrt((q - s * s / n) / (n - 1)) : 0; f = m == "kl" ? 1 : 100
                  printf " %7.2f +- %-7.2f", f * a, f * d; printf "%s %s %.6f\n", k, m, a >>file }'
    done
    echo
done
awk '{ x[$1, $2] = $3 }
     END { bad = 0
           if (!(x["kl", "style/cozy"] > 0.8)) { print "not ok: KL-bound RLHF does not exaggerate"; bad = 1 }
           if (!(x["dpo", "style/cozy"] > 0.8)) { print "not ok: DPO does not exaggerate"; bad = 1 }
           if (!(x["conditional", "style/cozy"] > 0.35 && x["conditional", "style/cozy"] < 0.65)) { print "not ok: cozy is not matched"; bad = 1 }
           if (!(x["conditional", "style/song"] > 0.09 && x["conditional", "style/song"] < 0.25)) { print "not ok: songs are not matched"; bad = 1 }
           if (!(x["conditional", "style/none"] < 0.05)) { print "not ok: conditional matching is not natural"; bad = 1 }
           if (!(x["pm", "kl"] > 10 * x["conditional", "kl"])) { print "not ok: pure matching stays natural"; bad = 1 }
           exit bad }' "$work/means" && echo "ok: what README says of the demo holds"
