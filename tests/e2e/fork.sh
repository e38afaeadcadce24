#!/bin/sh
# Forks with both real programs: a new run from another's checkpoint, with the same settings bit for bit the other one, with
# other settings from there on another, whatever becomes of the parent's copy.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap '"$attune" stop slow --wait >/dev/null 2>&1; rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
field() { run=$1; shift; "$attune" show "$run" --json | "$get" "$@"; }
says() { if grep -q "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s:\n' "$1"; sed 's/^/    /' "$3"
    bad=1; fi; }
# fails NAME STATUS WHY ARGUMENTS...
fails() {
    name=$1 want=$2 why=$3
    shift 3
    "$attune" fork "$@" >out 2>err </dev/null
    is "$name" "$want" $?
    says "$name: the reason is said" "$why" err
}
weights() { cksum <"p/runs/$1/checkpoints/step-$2/model.safetensors"; }
value() { "$attune" show "$1" --metrics "$2" | awk -v step="$3" '$1 == step { print $2 }'; }

head -n 6 "${ATTUNE_SRCDIR:-..}/share/attune/demo/pairs.jsonl" >held.jsonl
run="--model models/demo --data demo/pairs.jsonl --max-rows 60 --batch-size 4 --probe-every 0 --eval-data held.jsonl --eval-every 4 --threads 1"
check "train" "$attune" train --objective dpo --name base $run --steps 12 --save-every 3 --keep 3

# The nearest checkpoint before the step, and the same numbers as the run left alone.
check "fork with the same settings" "$attune" fork base --at 8 --json
is "it is named after its parent" base-fork-1 "$("$get" name <"$work/out")"
is "the store knows where it comes from" "base 6" "$(field base-fork-1 parent) $(field base-fork-1 parent_step)"
is "it ends with its parent's bits" "$(weights base 12)" "$(weights base-fork-1 12)"
is "its numbers begin after the step" 7 "$("$attune" show base-fork-1 --metrics loss | head -n 1 | cut -f 1)"
is "and are its parent's" "$("$attune" show base --metrics loss | tail -n 6)" "$("$attune" show base-fork-1 --metrics loss)"
is "it is measured where it begins" 6 "$("$attune" show base-fork-1 --metrics eval/rewards/margins | head -n 1 | cut -f 1)"
is "what it begins with is its parent's" "$(weights base 6)" "$(weights base-fork-1 6)"
"$attune" show base-fork-1 >out
says "show says so" 'forked *step 6 of base' out
says "and so does its log" 'goes on from step 6 of base' out

# Other settings from there on. What a fork that was killed has left goes with the next one.
mkdir p/runs/.fork-1-0 p/runs/.fork-2-0
touch -d '2 hours ago' p/runs/.fork-1-0
check "fork with another lr and beta" "$attune" fork base --at 6 --name hot lr=0.002 beta=0.5
is "the lr is another" 1 "$(awk -v a="$(value base lr 7)" -v b="$(value hot lr 7)" 'BEGIN { print (b / a > 99 && b / a < 101) }')"
is "its weights are others" 1 "$([ "$(weights base 12)" != "$(weights hot 12)" ] && echo 1)"
check "fork with another objective" "$attune" fork base --at 6 --name ipo --objective ipo --note "as ipo" steps=9 beta=0.2
is "it has it" "ipo as ipo 9" "$(field ipo objective) $(field ipo note) $(field ipo step)"
check "a fork of a fork" "$attune" fork hot --at 6 --name again
is "has the fork's settings" "$(weights hot 12)" "$(weights again 12)"
check "more data in a batch" "$attune" fork base --at 6 --name wide batch-size=8 steps=8
check "longer than its parent" "$attune" fork base --name longer steps=14
is "it goes on at the end" "base 12" "$(field longer parent) $(field longer parent_step)"
rm -r p/runs/base
check "its parent's folder is not needed" "$attune" fork hot --at 6 --name orphan

# The same from the console, and both branches in one chart.
cat >script <<'END'
size 120x40
open hot
cursor 8
fork lr=0.0005 beta=0.2 name=cold
wait cold goes on from step 6 of hot.
curves
wait i cold
snapshot screen
END
check "fork in the console" "$attune" --script script
is "it is one" "hot 6 0.2" "$(field cold parent) $(field cold parent_step) $("$attune" show cold | awk '$1 == "beta" { print $2 }')"
says "both branches are drawn" 'hot.*cold' screen
"$attune" -e 'open hot; fork objective=nothing; wait no objective' >out 2>err
is "another objective that there is not" 2 $?
says "its reason is said" 'there is no objective "nothing"' err
for words in "fork lr" "fork at=two" "fork lr=1e-3 name=" "fork =3"; do
    "$attune" -e "open hot; $words" >out 2>err
    is "$words is refused" 2 $?
    says "$words: the reason is said" 'is no NAME=VALUE' err
done

# Charts of several runs as text.
check "chart --minus" "$attune" chart lr --runs base-fork-1,hot --minus base-fork-1 --json
more=$("$get" lines 0 points 0 1 <"$work/out")
is "what the fork had more" 1 "$(awk -v a="$(value base-fork-1 lr 7)" -v b="$(value hot lr 7)" -v d="$more" \
    'BEGIN { x = b - a - d; print (d > 0 && x < 1e-9 && x > -1e-9) }')"
check "chart --group" "$attune" chart loss --runs hot,again,cold --group beta --band range --x-scale log
says "the groups say how many they are" 'beta 0.5 (n 2)' "$work/out"
"$attune" chart loss --runs hot,cold --group colour >out 2>err
is "a setting that there is not" 2 $?
says "its reason is said" 'none of these runs has such a setting' err
"$attune" chart loss --runs hot,cold --minus ipo >out 2>err
is "minus a run that is not drawn" 4 $?

# What cannot be is said before there is a run.
fails "the end of a run" 7 'nothing is left to train after step 12 of 12' hot
fails "an early step" 4 'no checkpoint at or before step 2: those that are kept begin at step 6' hot --at 2
fails "an unknown setting" 2 'there is no setting "betta"' hot --at 6 betta=2
fails "a setting of the weights" 2 'lora-rank cannot be changed in a fork' hot --at 6 lora-rank=4
fails "an objective of several runs" 8 'paft trains several runs' hot --at 6 --objective paft
fails "a wrong value" 2 'is not a number' hot --at 6 lr=fast
fails "a word that is no setting" 2 'is no NAME=VALUE' hot --at 6 lr
fails "a setting given twice" 2 'given twice' hot --at 6 lr=1 lr=2
fails "the objective as a setting" 2 'with --objective ipo' hot --at 6 objective=ipo
fails "an unknown objective" 2 'there is no objective "dppo"' hot --at 6 --objective dppo
fails "an unknown run" 4 'there is no run "hut"' hut
fails "a name that is taken" 7 'there is a run again' hot --at 6 --name again
fails "an objective that lacks something" 2 'reward' hot --at 6 --objective rloo --name none
is "only what is old was removed" .fork-2-0 "$(ls -A p/runs | grep fork- | grep '^[.]')"
rmdir p/runs/.fork-2-0
is "nothing of that became a run" "again base-fork-1 cold hot ipo longer orphan wide" "$(ls -A p/runs | tr '\n' ' ' | sed 's/ $//')"
rm -r p/runs/again/checkpoints/*
"$attune" resume again >out 2>err
is "a finished one is not begun again" 7 $?
check "a slow one" "$attune" fork hot --at 6 --name slow steps=100000 --detach
i=0
while [ "$(field slow step)" -le 8 ] && [ $i -lt 300 ]; do sleep 0.1; i=$((i + 1)); done
"$attune" stop slow --wait >/dev/null
last=$(ls p/runs/slow/checkpoints | sed 's/step-//' | sort -n | tail -n 1)
rm -r p/runs/slow/checkpoints
"$attune" resume slow >out 2>err
is "without its checkpoint it does not begin at step 0" 1 $?
says "it says what is missing" 'goes on from step 6 of hot, but that checkpoint is not in' err
is "it had gone on" 1 "$([ "$last" -gt 6 ] && echo 1)"
exit $bad
