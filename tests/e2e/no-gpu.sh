#!/bin/sh
# Where there is no GPU every way in says why: doctor, describe, a run that was told to use one, and the console's plan of a
# run that takes the first device that works. The reason here is a plugin that is not there.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work" ATTUNE_CUDA="$work/attune-cuda.so"
cd "$work"
says() { if grep -q "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s:\n' "$1"; sed 's/^/    /' "$3"
    bad=1; fi; }

"$attune" doctor >out
says "doctor says why" '^GPU .*attune-cuda.so cannot be read' out
"$attune" describe >out
says "describe says why" 'cuda: .*attune-cuda.so cannot be read' out

run="--objective dpo --model models/demo --data demo/pairs.jsonl --max-rows 8 --steps 1 --batch-size 2 --probe-every 0 --threads 1"
"$attune" train $run --name never --device cuda >out 2>err </dev/null
is "a run that shall use a GPU is refused" 8 $?
says "with the reason" 'device cuda cannot be used: .*attune-cuda.so cannot be read' err
says "and what to do" 'Use --device auto or cpu' err
"$attune" train $run --name never --device cuda:1 >out 2>err </dev/null
says "nor one of a number" 'device cuda:1 cannot be used: .*attune-cuda.so cannot be read' err
check "a run that takes what is there" "$attune" train $run --name here
"$attune" log here >out
says "its log says why that is the CPU" 'the CPU computes, for ATTUNE_CUDA=.*attune-cuda.so cannot be read' out

cat >script <<'END'
size 120x50
new dpo
edit model models/demo
edit data demo/pairs.jsonl
plan
wait device  the CPU, for ATTUNE_CUDA=
END
check "the plan of a run says why the CPU computes" "$attune" --script script
exit $bad
