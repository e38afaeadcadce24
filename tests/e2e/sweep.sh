#!/bin/sh
# attune sweep and presets with both real programs: what would be refused, the runs that a sweep would make, one that
# runs with a run
# taken out of its queue, and settings that are kept under a name.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap '"$attune" stop few --wait >"$work/end" 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
base="--objective dpo --model models/demo --data demo/pairs.jsonl --max-rows 120 --batch-size 8 --eval-every 2 --probe-every 0 --threads 1"

refused "nothing is varied" "list values of a setting with commas" "$attune" sweep $base --set beta=0.1
refused "a list with a hole" "a list with a hole" "$attune" sweep $base --set beta=0.1,,0.3
refused "a value twice" "in the list twice" "$attune" sweep $base --set beta=0.1,0.3,0.1
refused "a value beyond the range" "beta" "$attune" sweep $base --set beta=0.1,-3
refused "an unknown setting" "did you mean --beta" "$attune" sweep $base --set bta=0.1,0.3
refused "early stopping without a metric" "by which metric" "$attune" sweep $base --set beta=0.1,0.3 --stop-early
refused "a metric that is none" "whether more or less of tall is better" "$attune" sweep $base --set beta=0.1,0.3 --by tall
refused "too many" "more than 100 runs" "$attune" sweep $base --set beta=0.1,0.2,0.3,0.4,0.5 --set seed=1,2,3,4,5 \
    --set lr=1e-1,1e-2,1e-3,1e-4,1e-5
is "and started nothing" "[]" "$("$attune" runs --json 2>/dev/null | tr -d ' \n')"

"$attune" sweep $base --set beta=0.1,0.3 --set seed=1,2,3 --at-most 2 --plan --json >out 2>err
is "every combination is a run" 6 "$("$get" parts length <out)"
is "the last setting changes first" beta0.1-seed2 "$("$get" parts 1 name <out)"
is "with its values" 2 "$("$get" parts 1 settings seed <out)"

check "a sweep starts" "$attune" sweep $base --steps 80 --set beta=0.1,0.3,0.5 --by eval/loss --name few --detach
i=0
while [ "$(field few.beta0.1 step 2>/dev/null || echo 0)" -lt 2 ] && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
is "others wait" queued "$(field few.beta0.5 state)"
"$attune" sample --run few Hello >out 2>err
is "a sweep that has no result yet" 1 "$(grep -c 'few is an experiment of several runs.*lists as few.NAME' err)"
check "a run is taken out of the queue" "$attune" stop few.beta0.5
i=0
while [ "$(field few state)" != done ] && [ $i -lt 1200 ]; do sleep 0.1; i=$((i + 1)); done
is "the sweep is done" done "$(field few state)"
"$attune" -e 'size 200x40; open few; snapshot -' >page 2>err
is "on its page it is done" "1 0" "$(grep -c 'is best by eval/loss' page) $(grep -c 'ended early' page)"
is "two of its runs are" "done done" "$(field few.beta0.1 state) $(field few.beta0.3 state)"
is "and one is not" queued "$(field few.beta0.5 state)"
"$attune" log few >out 2>&1
is "which is said" 1 "$(grep -c 'few.beta0.5 is skipped' out)"
is "the best one's checkpoint is its own" 1 \
    "$("$attune" export few "$work/model" >out 2>&1; ls "$work/model" | grep -c '^config.json$')"
"$attune" show few >out 2>&1
is "and named" 1 "$(grep -c 'is best by eval/loss' out | sed 's/^[1-9][0-9]*$/1/')"

check "a run's settings are saved" "$attune" preset save mild few.beta0.3
"$attune" preset list >out 2>&1
is "what is not the default" 1 "$(grep -c 'mild .*dpo .*beta=0.3' out)"
is "and no more" 0 "$(grep -c 'label-smoothing' out)"
check "a run begins with them" "$attune" train --preset mild --steps 2 --name again
is "with their values" 0.3 "$(field again settings | "$get" beta | awk '{ printf "%.3g", $1 }')"
check "those of the line come first" "$attune" train --preset mild --steps 2 --beta 0.7 --name other
is "as they are given" 0.7 "$(field other settings | "$get" beta | awk '{ printf "%.3g", $1 }')"
refused "a preset of another objective" "is one of dpo, not of ipo" "$attune" train --preset mild --objective ipo
refused "a preset that is not there" "did you mean mild" "$attune" train --preset mlid
refused "a name that is a path" "name" "$attune" preset save ../out few.beta0.3
printf '{"objective": "dpo", "settings": {"model": "models/demo", "data": "demo/pairs.jsonl", "beta": "0.1,0.3", "lr": 0.001}}' >p/presets/grid.json
"$attune" sweep --preset grid --set seed=1,2 --plan --json >out 2>err
is "a preset may hold lists" 4 "$("$get" parts length <out)"
"$attune" sweep --preset grid --set beta=0.2,0.4,0.6 --plan --json >out 2>err
is "and those of the line come first" 3 "$("$get" parts length <out)"
check "a preset is removed" "$attune" preset remove mild
rm p/presets/grid.json
refused "once" "has none yet" "$attune" preset remove mild
exit $bad
