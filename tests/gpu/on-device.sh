#!/bin/sh
# The one command for a machine with a GPU: is the plugin right there, and how fast is it?
#   ./on-device.sh [OUT]      from the unpacked bundle (make gpu-bundle), or from a build tree with BIN=build
# First every operation against doubles, then the same under compute-sanitizer, small models trained beside the cpu backend, then
# the rows that are measured (docs/gpu.md), the most valuable first, and the peer's where PyTorch is. Results stand in
# OUT/results.tsv as they come (part, name, result, unit, remark), so what a time limit cuts off is only what had not begun.
# LIMIT=360 seconds in all; PARTS="operations sanitizer training rows peer". 77: no GPU here; 1: something is not as it should be.
set -u
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
out=${1:-on-device}
limit=${LIMIT:-360}
parts=${PARTS:-operations sanitizer training rows peer}
bin=${BIN:-$here/bin}
mkdir -p "$out"
out=$(cd "$out" && pwd)
results=$out/results.tsv
: >"$results"
began=$(date +%s)
bad=0

left() { echo $((limit - $(date +%s) + began)); }
say() { # PART NAME RESULT UNIT REMARK
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "$4" "$5" >>"$results"
    printf '%4ds  %-10s %-42s %s %s  %s\n' $(($(date +%s) - began)) "$1" "$2" "$3" "$4" "$5"
}
wrong() { bad=1; say "$@"; }
# within SECONDS COMMAND...: at most so long, and no longer than all may take
within() {
    most=$(left)
    [ "$most" -gt "$1" ] && most=$1
    shift
    [ "$most" -lt 3 ] && return 124
    timeout -k 2 "$most" "$@"
}
has() { case " $parts " in *" $1 "*) return 0 ;; esac; return 1; }

# A bundle has its libraries beside it; cuBLASLt is the machine's, where the linker or an installation of CUDA has it.
[ -d "$here/lib" ] && export LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -d "$here/share/attune" ] && export ATTUNE_SHARE="$here/share/attune"
export LC_ALL=C.UTF-8
engine=$bin/attune-engine attune=$bin/attune operations=$bin/test_device get=$bin/json_get
if [ -n "${BIN:-}" ]; then
    bin=$(cd "$bin" && pwd)
    engine=$bin/attune-engine attune=$bin/attune operations=$bin/tests/gpu/test_device get=$bin/tests/lib/json_get
fi
unset ATTUNE_ENGINE NO_COLOR COLUMNS
for program in "$engine" "$attune" "$operations" "$get"; do
    if ! [ -x "$program" ]; then
        echo "there is no $program: give BIN a build tree in which make check has been, or run this in an unpacked bundle" >&2
        exit 1
    fi
done
if [ -z "${ATTUNE_CUDA:-}" ] && ldd "$bin/attune-cuda.so" 2>/dev/null | grep -q 'libcublasLt.*not found'; then
    wanted=$(ldd "$bin/attune-cuda.so" | awk '/libcublasLt.*not found/ { print $1 }')
    for folder in /usr/local/cuda*/lib64 /usr/local/cuda*/targets/*/lib /usr/lib/*/nvidia /opt/*/lib \
        /usr/l*/python3*/*-packages/nvidia/*/lib /usr/local/lib/python3*/*-packages/nvidia/*/lib /opt/*/lib/python3*/site-packages/nvidia/*/lib; do
        [ -e "$folder/$wanted" ] && LD_LIBRARY_PATH=$LD_LIBRARY_PATH:$folder && break
    done
fi

# ---- every operation against plain double loops ----
reason=$("$operations" none 2>&1)
if [ $? = 77 ]; then
    say gpu none - - "$reason"
    exit 77
fi
card=$(nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv,noheader 2>/dev/null | head -n 1)
say gpu "${card:-a device that nvidia-smi does not name}" - - -
if has operations; then
    : >"$out/operations.txt"
    set -f # patterns are the program's, not the shell's
    for pattern in ${OPERATIONS:-*}; do
        within "${OPERATIONS_S:-60}" "$operations" "$pattern" >"$out/operations-now.txt" 2>&1
        status=$?
        cat "$out/operations-now.txt" >>"$out/operations.txt"
        awk '/^\[ +OK +\] / { print $NF, "ok" } /^\[  FAILED  \] [a-z]/ { print $NF, "FAILED" }' "$out/operations-now.txt" | sort -u |
            while read -r name judged; do say operations "$name" "$judged" - -; done
        case $status in
        0) grep -q '^\[ *OK' "$out/operations-now.txt" || wrong operations "$pattern" FAILED - "there is no such check" ;;
        124 | 137) wrong operations "$pattern" "not finished" - "the last words stand in operations.txt" ;;
        *) wrong operations "$pattern" FAILED - "status $status; operations.txt says more" ;;
        esac
    done
    set +f
fi

# ---- the same, watched; a family at a time, the simple ones first ----
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | head -n 1)
if has sanitizer && [ -z "$sanitizer" ]; then
    say sanitizer all skipped - "there is no compute-sanitizer here"
elif has sanitizer; then
    sanitizer_ends=$(($(date +%s) + ${SANITIZER_S:-75}))
    for tool in memcheck racecheck synccheck initcheck; do
        for family in norms row_operations elementwise_operations quantized_weights decoding_attention sampling attention head bf16_products; do
            time_left=$((sanitizer_ends - $(date +%s)))
            if [ $time_left -lt 3 ]; then
                say sanitizer "$tool $family" "not reached" - -
                continue
            fi
            [ $time_left -gt 15 ] && time_left=15
            within $time_left "$sanitizer" --tool "$tool" --error-exitcode 9 "$operations" "$family" >"$out/$tool-$family.txt" 2>&1
            case $? in
            0) say sanitizer "$tool $family" clean - - ;;
            124 | 137) say sanitizer "$tool $family" "not finished" - "no fault until then: $(grep -c '=========.*\(Invalid\|hazard\|Uninitialized\|Barrier\)' "$out/$tool-$family.txt") reports" ;;
            *) wrong sanitizer "$tool $family" FAULTS - "$(grep -m 1 -E '=========.*(Invalid|hazard|Uninitialized|Barrier|ERROR)' "$out/$tool-$family.txt" | cut -c1-160)" ;;
            esac
        done
    done
fi

# ---- small models trained on both: the losses of a run beside each other ----
# same NAME BOUND STEPS PRECISION OPTIONS...: |a - b| <= bound (1 + |a|) in every step
same() {
    name=$1 bound=$2 steps=$3 precision=$4
    shift 4
    for device in cpu cuda; do
        if ! within 60 "$attune" train --project "$work" --name "$name-$device" --device $device --precision "$precision" --steps "$steps" \
            --eval-every 0 --probe-every 0 --seed 3 "$@" >"$out/train-$name-$device.txt" 2>&1 </dev/null; then
            wrong training "$name" FAILED - "on $device: $(tail -n 1 "$out/train-$name-$device.txt" | cut -c1-160)"
            return
        fi
        "$attune" show --project "$work" "$name-$device" --metrics loss >"$out/loss-$name-$device.txt"
    done
    judged=$(paste "$out/loss-$name-cpu.txt" "$out/loss-$name-cuda.txt" | awk -v bound="$bound" -v steps="$steps" '
        { d = ($2 - $4) / (1 + ($2 < 0 ? -$2 : $2)); d = d < 0 ? -d : d; n++
          if (!(d <= bound) || $1 != $3 || $2 $4 ~ /[^-+.0-9e]/) bad = 1 # mawk finds nan smaller than anything
          if (d > most) most = d }
        END { printf "%s %.2g", n == steps && !bad ? "ok" : "APART", most }')
    case $judged in
    ok*) say training "$name, $steps steps" "${judged#ok }" relative "bound $bound" ;;
    *) wrong training "$name, $steps steps" "${judged#APART }" relative "APART: bound $bound; loss-$name-*.txt" ;;
    esac
}
if has training; then
    work=$out/project
    rm -rf "$work"
    demo="--model models/demo --data demo/pairs.jsonl --max-rows ${TRAIN_ROWS:-64} --batch-size ${TRAIN_BATCH:-8}"
    n=${TRAIN_STEPS:-20}
    for one in ${TRAININGS:-sft dpo lora bf16}; do
        case $one in
        sft) same sft 2e-4 "$n" f32 --objective sft $demo ;;
        dpo) same dpo 2e-4 "$n" f32 --objective dpo $demo ;;
        lora) same lora 2e-4 "$n" f32 --objective dpo --lora-rank 8 $demo ;;
        bf16) same bf16 3e-2 "$n" bf16 --objective dpo $demo ;;
        esac
    done
fi

# ---- what is measured ----
case $card in
*H100* | *H200* | *GH200*) peak=989 ;;
*A100*) peak=312 ;;
*B200*) peak=2250 ;;
*L40S*) peak=362 ;;
*4090*) peak=165 ;;
*) peak=0 ;;
esac
# row NAME GOAL: step, tokens a second, MFU, memory
row() {
    if ! within "${ROW_S:-60}" "$engine" bench --device cuda --precision bf16 --case "$1" --rounds "${ROUNDS:-5}" --json \
        >"$out/row-$1.json" 2>"$out/row-$1.txt"; then
        wrong rows "$1" FAILED - "$(tail -n 1 "$out/row-$1.txt" | cut -c1-160)"
        return
    fi
    say rows "$1" "$("$get" cases 0 step_s <"$out/row-$1.json" | awk '{ printf "%.1f", 1000 * $1 }')" ms "$2"
    say rows "$1" "$("$get" cases 0 tokens_per_s <"$out/row-$1.json" | awk '{ printf "%.0f", $1 }')" tokens/s -
    [ "$peak" -gt 0 ] && say rows "$1" "$("$get" cases 0 gflop_per_s <"$out/row-$1.json" | awk -v p="$peak" '{ printf "%.1f", $1 / p / 10 }')" "% MFU" "of $peak TFLOP/s"
    say rows "$1" "$("$get" cases 0 peak_mib <"$out/row-$1.json" | awk '{ printf "%.1f", $1 / 1024 }')" GiB -
}
# start_row NAME GOAL: from the start of a run's process to its first step; the model's file was just written
start_row() {
    if within "${ROW_S:-60}" "$engine" bench --device cuda --precision bf16 --case "$1" --json >"$out/row-$1.json" 2>"$out/row-$1.txt"; then
        say rows "$1" "$("$get" startup_s <"$out/row-$1.json" | awk '{ printf "%.2f", $1 }')" s "$2"
    else
        wrong rows "$1" FAILED - "$(tail -n 1 "$out/row-$1.txt" | cut -c1-160)"
    fi
}
if has rows; then
    for one in ${ROWS:-dpo-1.3b dpo-1.3b-real lora-7b decode-1.3b dpo-124m rloo-1.3b start-1.3b}; do
        case $one in
        dpo-1.3b) goal="goal 90 ms; the peer with a cached reference took 131 on an H200" ;;
        dpo-1.3b-real) goal="goal 85 k tokens/s; the peer 10.6 k" ;;
        lora-7b) goal="goal 197 ms and 20 GiB; the peer 296 and 35.1" ;;
        decode-1.3b) goal="goal 30 k tokens/s; the peer 12.6 k with a static cache" ;;
        dpo-124m) goal="goal 41 ms; the peer 83" ;;
        rloo-1.3b) goal="goal 356 ms; the peer 2135" ;;
        start-1.3b) goal="goal 5 s" ;;
        *) goal=- ;;
        esac
        case $one in
        *start*) start_row "$one" "$goal" ;;
        *) row "$one" "$goal" ;;
        esac
    done
fi

# ---- the peer, in one process, for its start alone takes seconds ----
peer=$here/gpu_transformers.py
[ -e "$peer" ] || peer=$here/../../bench/gpu_transformers.py
if has peer; then
    python=${PYTHON:-python3}
    if within 60 "$python" -c 'import torch, transformers; assert torch.cuda.is_available()' 2>/dev/null; then
        { within 600 env -u LD_LIBRARY_PATH "$python" "$peer" ${ROWS:-dpo-1.3b decode-1.3b dpo-1.3b-real lora-7b dpo-124m} 2>"$out/peer.txt" ||
            echo "all stopped - $(tail -n 1 "$out/peer.txt" | cut -c1-160)"; } |
            while read -r name value unit remark; do say peer "$name" "$value" "$unit" "$remark"; done
    else
        say peer all skipped - "$python has no PyTorch with a GPU and transformers"
    fi
fi
say all "$([ $bad = 0 ] && echo "as it should be" || echo "not as it should be")" "$(($(date +%s) - began))" s "of $limit"
exit $bad
