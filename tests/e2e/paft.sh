#!/bin/sh
# attune train --objective paft with both real programs: three runs in the list, their merge as the result, steering, kill -9
# and resume; and sdpo's stages in the log.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'for r in long long.sft long.dpo; do "$attune" stop $r --wait; done >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"

common="--model models/demo --data demo/pairs.jsonl --max-rows 60 --batch-size 4 --probe-every 0 --eval-every 0 --threads 2"
check "train" "$attune" train --objective paft --name x $common --steps 6 --l1 0.2 --density 0.5 --json
is "it is done" done "$("$get" state <"$work/out")"
checkpoint=$("$get" checkpoint <"$work/out")
check "three runs" "$attune" runs --json
is "in the list" 3 "$("$get" length <"$work/out")"
is "one imitates" sft "$(field x.sft objective)"
is "with the experiment's l1" 0.20000000000000001 "$("$attune" show x.sft --json | "$get" settings l1)"
is "one learns the preferences" dpo "$(field x.dpo objective)"
check "the result is a model" "$attune" model show "$checkpoint" --json
is "of the base's architecture" llama "$("$get" architecture family <"$work/out")"
check "it answers" "$attune" sample --run x --max-tokens 4 "Once"
check "the same by hand" "$attune" model merge x.sft x.dpo --base models/demo --out by-hand --method ties \
    --density 0.5 --dtype f32
check "and as numbers" "$attune" model merge x.sft x.dpo --base models/demo --out again --density 0.5 --dtype f32 --json
is "with the same sparsity" "$("$attune" show x --metrics merge/sparsity | tail -n 1 | awk '{print substr($NF, 1, 6)}')" \
    "$("$get" result sparsity <"$work/out" | cut -c 1-6)"
check "the log says how they differ" sh -c '"$1" log x | grep -q "merged by ties"' - "$attune"

check "detached" "$attune" train --objective paft --name long $common --steps 4000 --detach
until_is long.dpo step '^[1-9]'
until_is long.sft step '^[1-9]'
check "pause" "$attune" pause long
until_is long.sft state '^paused$'
until_is long.dpo state '^paused$'
is "its runs are paused" paused "$(field long.dpo state)"
kill -9 "$(field long pid)"
until_is long state '^dead$'
check "resume" "$attune" resume long
until_is long state '^running$'
check "stop --wait" "$attune" stop long --wait
until_is long.sft state '^stopped$'
is "its runs are stopped" stopped "$(field long.sft state)"

"$attune" train --objective paft --model models/demo --data demo/pairs.jsonl --density 2 >/dev/null 2>"$work/err"
is "a density out of range" 2 $?
grep -q density "$work/err" && echo "ok it is named" || { echo "not ok it is named"; bad=1; }

check "stages" "$attune" train --objective sdpo --name s $common --steps 6 --stages 3 --order easy-first --json
is "three of them" 3 "$("$attune" log s | grep -c 'info *stage')"
exit $bad
