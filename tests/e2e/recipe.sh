#!/bin/sh
# attune recipe with both real programs: what there is, a plan without weights, the demo's stages run, stopped by kill
# -9 in the
# second and resumed.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'for r in a b; do "$attune" stop $r --wait; done >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
# shows NAME PATTERN: in the last answer
shows() { if grep -qE -- "$2" "$work/out"; then printf 'ok %s\n' "$1"; else printf 'not ok %s\n' "$1"
    sed 's/^/    /' "$work/out"; bad=1; fi; }

# Every recipe that is shipped can be checked as far as it goes without a model.
check "list" "$attune" recipe list --json
n=$("$get" length <"$work/out")
i=0
cp "$work/out" "$work/list"
while [ $i -lt "$n" ]; do
    recipe=$("$get" $i name <"$work/list")
    check "plan of $recipe" "$attune" recipe run "$recipe" --plan --json
    "$attune" recipe show "$recipe" >"$work/out" 2>&1
    shows "$recipe is shown" "objective = "
    i=$((i + 1))
done
is "the usual ones are there" "demo sft-dpo" \
    "$("$attune" recipe list | awk '$1 == "demo" || $1 == "sft-dpo" { printf "%s%s", sep, $1; sep = " " }')"
check "plan without weights" "$attune" recipe run pm-rlhf-llama-2-7b --plan --json
# 6.74e9 parameters: weights, gradients, two moments in f32 and rounded weights, 18 bytes each, at least
is "knows the memory of 7B" yes \
    "$("$get" stages 0 memory bytes <"$work/out" | awk '{ print ($1 > 18 * 6.7e9 && $1 < 30 * 6.8e9) ? "yes" : $1 }')"
is "and started nothing" "" "$(ls "$work/p" 2>/dev/null)"
refused "a run without a model" "give --model DIR" "$attune" recipe run sft-dpo --data demo/pairs.jsonl
refused "another name" "did you mean demo" "$attune" recipe run dmeo
refused "an unknown key" "--set dpo.bta" "$attune" recipe run demo --set dpo.bta=1

cat >mine.conf <<'EOF'
title = Two short stages
[inputs]
model = models/demo
data = demo/pairs.jsonl
[defaults]
data = $data
max-rows = 60
batch-size = 4
probe-every = 0
eval-every = 0
save-every = 3
threads = 1
[sft]
objective = sft
model = $model
steps = 6
[dpo]
objective = dpo
model = {sft}
steps = 40
EOF
check "run" "$attune" recipe run ./mine.conf --name a --json
is "it is done" done "$("$get" state <"$work/out")"
is "all steps" 46 "$(field a step)"
check "three runs" "$attune" runs --json
is "in the list" 3 "$("$get" length <"$work/out")"
is "the second started from the first" "$(cd "$work/p" && pwd)/runs/a.sft/checkpoints/step-6" "$(field a.dpo model)"

"$attune" recipe run ./mine.conf --name b --detach >"$work/out" 2>&1
until_is b.dpo step '^([3-9]|[1-9][0-9])$'
kill -9 "$(field b pid)" "$(field b.dpo pid)"
until_is b state dead
until_is b.dpo state dead
is "killed in the second stage" dead "$(field b.dpo state)"
check "resume" "$attune" resume b --follow
is "the same weights" "$(sha256sum <p/runs/a.dpo/checkpoints/step-40/model.safetensors)" \
    "$(sha256sum <p/runs/b.dpo/checkpoints/step-40/model.safetensors)"
is "recorded by their hash" "$("$get" stages 1 gave sha256 <p/runs/a/recipe.json)" \
    "$("$get" stages 1 gave sha256 <p/runs/b/recipe.json)"
check "a project's own" sh -c "mkdir -p p/recipes && cp mine.conf p/recipes/mine.conf && '$attune' recipe show mine"
shows "is found by its name" "sft \(sft\), dpo \(dpo\)"
check "the result under the experiment's name" "$attune" sample --run b --prompt "There was" --max-tokens 3

# The console: the page, a start from it, and a copy for the project.
"$attune" -e 'size 100x30; recipes; wait mine; snapshot -; start sft.steps=1 dpo.steps=1; wait has started; snapshot -; recipes; wait demo; down; copy; wait Copied' >"$work/out" 2>&1
shows "the console lists them" '^ > mine +Two short stages'
shows "shows the file" 'save-every = 3'
shows "and starts one" 'mine-1 has started'
is "the copy is the project's" yes "$([ -f p/recipes/demo.conf ] && echo yes)"
until_is mine-1 state done
is "it ends" done "$(field mine-1 state)"
exit $bad
