#!/bin/sh
# on-device.sh in the layout of a bundle, with stand-ins for all that it starts, so that each of its parts has been executed before
# a machine with a GPU is there: what it asks of compute-sanitizer, nvidia-smi and the peer, and what it makes of their answers and
# of each thing that goes wrong. Real programs are in no-device.sh.
set -u
build=$(cd "${ATTUNE_BUILDDIR:-.}" && pwd) source=$(cd "${ATTUNE_SRCDIR:-.}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
cd "$work" || exit 1
mkdir -p bundle/bin bundle/lib bundle/share/attune path
cp "$source/tests/gpu/on-device.sh" "$source/bench/gpu_transformers.py" bundle
cp "$build/tests/lib/json_get" bundle/bin
unset BIN PYTHON LIMIT PARTS ROWS OPERATIONS TRAININGS ATTUNE_CUDA LD_LIBRARY_PATH
export PATH="$work/path:$PATH" WORK="$work"

# program PATH: a stand-in, from here to END
program() { { echo '#!/bin/sh'; cat; } >"$1" && chmod +x "$1"; }
program path/nvidia-smi <<'END'
[ "$*" = "--query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader" ] || exit 6
echo "NVIDIA H200, 580.95.05, 143771 MiB, 1980 MHz"
END
program bundle/bin/test_device <<'END'
[ "$LD_LIBRARY_PATH" = "$WORK/bundle/lib" ] || exit 1
case $1 in
none) exit "${NO_DEVICE:-0}" ;;
nothing) exit 0 ;;
sleeps) exec sleep 20 ;;
broken) echo '[  FAILED  ] broken'; exit 1 ;;
'*') for name in norms sampling; do echo "[ RUN      ] $name"; echo "[       OK ] $name"; done ;;
*) echo "[       OK ] $1" ;;
esac
END
program path/compute-sanitizer <<'END'
[ "$1 $3 $4" = "--tool --error-exitcode 9" ] || exit 6
tool=$2
shift 4
[ "${SLOW_TOOL:-}" = "$tool" ] && exec sleep 20
if [ "${FAULTY:-}" = "$tool $2" ]; then
    echo "========= Invalid __global__ read of size 4 bytes"
    exit 9
fi
exec "$@"
END
program bundle/bin/attune <<'END'
[ "$ATTUNE_SHARE" = "$WORK/bundle/share/attune" ] || exit 1
device=cpu
case "$*" in *--device\ cuda*|*-cuda*) device=cuda ;; esac
case $1 in
train) [ "${TRAIN_FAILS:-}" != "$device" ] || { echo "attune: the loss is not a number" >&2; exit 8; } ;;
show)
    echo "1 0.5"
    if [ $device = cuda ]; then echo "2 ${LOSS:-0.50001}"; else echo "2 0.5"; fi ;;
esac
END
program bundle/bin/attune-engine <<'END'
case "$*" in
*--case\ breaks*) echo "attune-engine: not enough GPU memory for the weights" >&2; exit 6 ;;
*start*) echo '{"case": "start-1.3b", "startup_s": 3.456}' ;;
*) echo '{"cases": [{"step_s": 0.0876, "tokens_per_s": 70123.4, "gflop_per_s": 494500, "peak_mib": 20480}]}' ;;
esac
END
program path/python3 <<'END'
[ "$1" = -c ] && exit "${NO_TORCH:-0}"
[ -z "${LD_LIBRARY_PATH:-}" ] || exit 1
shift
for row; do
    case $row in
    breaks) echo "RuntimeError: CUDA is gone" >&2; exit 1 ;;
    *) echo "$row 131.0 ms reference cached" ;;
    esac
done
END

# device STATUS NAME [SETTING=...]...: how the script ends with these settings
device() {
    want=$1 name=$2
    shift 2
    env "$@" bundle/on-device.sh "$work/out" >said 2>&1 </dev/null
    got=$?
    if [ $got = "$want" ]; then echo "ok $name"; else
        echo "not ok $name: status $got, not $want"
        sed 's/^/    /' said
        bad=1
    fi
}
# row NAME FIELD...: a line of results.tsv begins with these
row() {
    name=$1
    shift
    line=$(printf '%s\t' "$@")
    if grep -qF -- "${line%	}" out/results.tsv; then echo "ok $name"; else
        echo "not ok $name: there is no '$line' in"
        sed 's/^/    /' out/results.tsv
        bad=1
    fi
}

device 0 "all is as it should be" TRAIN_STEPS=2
row "the card is named" gpu "NVIDIA H200, 580.95.05, 143771 MiB, 1980 MHz"
row "operations were checked" operations sampling ok
row "the first under the sanitizer" sanitizer "memcheck norms" clean
row "and the last" sanitizer "initcheck bf16_products" clean
row "losses are beside each other" training "lora, 2 steps" 6.7e-06 relative "bound 2e-4"
row "a step is in milliseconds" rows dpo-1.3b 87.6 ms "goal 90 ms"
row "what the card could do is its own" rows lora-7b 50.0 "% MFU" "of 989 TFLOP/s"
row "memory in GiB" rows lora-7b 20.0 GiB
row "a run's start" rows start-1.3b 3.46 s "goal 5 s"
row "the peer has rows" peer dpo-1.3b 131.0 ms "reference cached"
row "the end says so" all "as it should be"

device 77 "no device ends it" NO_DEVICE=77
row "and is said" gpu none
device 1 "a fault under the sanitizer is one" PARTS=sanitizer FAULTY="racecheck attention"
row "with its first line" sanitizer "racecheck attention" FAULTS - "========= Invalid __global__ read of size 4 bytes"
row "and the tools after it go on" sanitizer "synccheck attention" clean
device 0 "a sanitizer that is slow is none" PARTS=sanitizer SLOW_TOOL=memcheck SANITIZER_S=3
row "what it had begun" sanitizer "memcheck norms" "not finished"
row "what it had not" sanitizer "memcheck row_operations" "not reached"
device 1 "operations that fail" PARTS=operations OPERATIONS="broken norms"
row "are named" operations broken FAILED
row "beside those that do not" operations norms ok
device 1 "a check that does not exist" PARTS=operations OPERATIONS=nothing
row "is no check" operations nothing FAILED - "there is no such check"
device 1 "one that hangs" PARTS=operations OPERATIONS=sleeps OPERATIONS_S=1
row "is ended" operations sleeps "not finished"
device 1 "a loss that goes elsewhere" PARTS=training TRAININGS=dpo TRAIN_STEPS=2 LOSS=0.51
row "is apart" training "dpo, 2 steps" 0.0067 relative "APART: bound 2e-4; loss-dpo-*.txt"
device 1 "a loss that is no number" PARTS=training TRAININGS=dpo TRAIN_STEPS=2 LOSS=nan
device 1 "a run that is too short" PARTS=training TRAININGS=dpo TRAIN_STEPS=3
device 1 "a training that fails" PARTS=training TRAININGS=sft TRAIN_FAILS=cuda
row "has its last words" training sft FAILED - "on cuda: attune: the loss is not a number"
device 1 "a row that fails" PARTS=rows ROWS="breaks dpo-124m"
row "too" rows breaks FAILED - "attune-engine: not enough GPU memory for the weights"
row "and the next is measured" rows dpo-124m 87.6 ms
device 0 "a peer that breaks is not our fault" PARTS=peer ROWS="dpo-124m breaks"
row "and is said" peer all stopped - "RuntimeError: CUDA is gone"
device 0 "no peer" PARTS=peer NO_TORCH=1
row "neither" peer all skipped
exit $bad
