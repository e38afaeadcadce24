#!/bin/sh
# The best checkpoint by a held-out metric from the command line: kept, named, exported, and an end for lack of a better one.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-..}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
says() { if grep -q "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s:\n' "$1"; sed 's/^/    /' "$3"
    bad=1; fi; }
refused() {
    name=$1 why=$2
    shift 2
    "$attune" "$@" >"$work/out" 2>"$work/err" </dev/null
    is "$name" 2 $?
    says "$name: the reason is said" "$why" "$work/err"
}

# Learnt is the opposite of what is held out: the loss there only rises, and the beginning is the best.
head -n 6 "$source/share/attune/demo/pairs.jsonl" |
    sed 's/"chosen"/"x"/; s/"rejected"/"chosen"/; s/"x"/"rejected"/' >held.jsonl
run="--model models/demo --data demo/pairs.jsonl --max-rows 40 --batch-size 4 --probe-every 0 --threads 1 --lr 0.002"
run="$run --schedule constant --warmup 0 --eval-data held.jsonl --eval-every 2 --keep 1 --save-every 1"
check "train" "$attune" train --objective dpo --name early $run --steps 30 --keep-best eval/loss --patience 2
says "it ends early" "Ended early: eval/loss was best at step 0 (0.6931), and no better in the 2 evaluations since" out
says "the best is named" 'Best by eval/loss: step 0 (0.693.*attune export early@best OUT' out
"$attune" show early --json >early.json
is "it is done" done "$("$get" state <early.json)"
is "after four steps" 4 "$("$get" step <early.json)"
is "the best in JSON" "0 eval/loss min" \
    "$("$get" best step <early.json) $("$get" best metric <early.json) $("$get" best direction <early.json)"
is "two checkpoints are left" "best.json step-0 step-4" "$(ls p/runs/early/checkpoints | tr '\n' ' ' | sed 's/ $//')"
check "show" "$attune" show early
says "show says which is the best" 'checkpoints/step-0  best by eval/loss (0.693.*): early@best' out
says "and why it ended" 'message *eval/loss was best at step 0' out
check "export RUN@best" "$attune" export early@best best --dtype f32
check "export RUN@0" "$attune" export early@0 zero --dtype f32
is "they are the same" "$(cksum <zero/model.safetensors)" "$(cksum <best/model.safetensors)"
check "sample --run RUN@best" "$attune" sample --run early@best --max-tokens 3 --json "Once"
check "sample --run RUN@base" "$attune" sample --run early@base --max-tokens 3 --temperature 0 --json "Once"
began=$("$get" 0 text <"$work/out")
check "sample --model" "$attune" sample --model models/demo --max-tokens 3 --temperature 0 --json "Once"
is "it is what the run began from" "$began" "$("$get" 0 text <"$work/out")"
check "model show RUN@best" "$attune" model show early@best
"$attune" resume early >out 2>err </dev/null
is "it is not resumed" 7 $?
says "since it is done" 'is done after 4 steps: eval/loss was best' err

check "a run without" "$attune" train --objective dpo --name plain $run --steps 2 --detach
i=0
while [ "$("$attune" show plain --json | "$get" state)" != done ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
is "it has no best" null "$("$attune" show plain --json | "$get" best)"
"$attune" export plain@best none >out 2>err
says "and says so" 'was started without --keep-best' err
"$attune" export plain@bets none >out 2>err
says "another word is no step" 'write plain@200, plain@best or plain@base' err

refused "a training metric" 'the held-out one is eval/loss' train --objective dpo $run --keep-best loss
refused "an unknown direction" 'write max:eval/odd or min:eval/odd' train --objective dpo $run --keep-best eval/odd
refused "patience alone" 'name one with keep-best' train --objective dpo $run --patience 3
refused "an experiment of several runs" 'merge RUN@best' train --objective paft $run --keep-best eval/loss
refused "a name from elsewhere" 'did you mean --keep-best' train --objective dpo $run --metric_for_best_model eval_loss
refused "and another" 'did you mean --patience' train --objective dpo $run --early-stopping-patience 3
is "nothing of that became a run" "early plain" "$(ls p/runs | tr '\n' ' ' | sed 's/ $//')"
check "the plan" "$attune" train --objective rloo --model models/demo --plan --keep-best eval/reward
says "it warns of the reward that is raised" 'warning: keep-best eval/reward is the reward that rloo is given to raise' err
check "the plan of another metric" "$attune" train --objective rloo --model models/demo --plan --keep-best kl
is "is not warned of" "" "$(cat err)"

# The form warns as well.
cat >form.txt <<END
size 80x24
new rloo
edit model $(cd "$source" && pwd)/share/attune/models/demo
edit keep-best eval/reward
snapshot form.screen
edit keep-best kl
snapshot other.screen
END
check "the form" "$attune" --script form.txt
says "it warns under the field" 'Warning: keep-best eval/reward is the reward that rloo is given to raise' form.screen
is "and of nothing where there is nothing" 0 "$(grep -c Warning other.screen)"
exit $bad
