#!/bin/sh
# Attune's training steps and sampling against peers, alternating in one run: A B A B ..., medians and ratios of seconds a step.
#   bench/compare.sh BUILD [ROUNDS]
# PyTorch: bench/dpo_torch.py with $PYTHON (default /usr/bin/python3, Debian's python3-torch); the same 8 pairs.
# llm.c:   when $LLMC names a folder with its built train_gpt2, gpt2_124M.bin and token files (B=4 T=64), its CPU step.
# transformers: when $TRANSFORMERS names a Python that has PyTorch 2 and transformers: sampling and RLOO
#          (bench/rloo_transformers.py) instead of the others. $CASES: which of its cases.
# $THREADS: 2. CLOCK=processors takes the processors' time instead of the clock's, for a machine that others use as well; with
# THREADS=1 it is what a step would take without them.
set -eu
build=$1 rounds=${2:-5}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-2} clock=${CLOCK:-clock}
cases=${CASES:-decode-15m decode-110m rloo-15m}
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

ours() { # CASE: seconds a step and peak MiB
    key=step_s
    [ "$clock" = clock ] || key=processor_s
    "$build/attune-engine" bench --case "$1" --rounds "${2:-2}" --threads "$threads" --json | tr -d ' \n' |
        sed "s/.*\"$key\":\([0-9.e+-]*\).*\"peak_mib\":\([0-9.e+-]*\).*/\1 \2/"
    echo
}
transformers() { # CASE: its second step, for the first touches its memory for the first time
    "$TRANSFORMERS" "$here/rloo_transformers.py" --case "$1" --rounds 1 --threads "$threads" |
        awk -v k="$clock" '/^step 1/ { s = k == "clock" ? $3 : $6 } /^peak/ { m = $3 } END { print s, m }'
}
torch() {
    OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-SkylakeX} "$python" "$here/dpo_torch.py" --rounds 2 |
        awk '/^step 2/ { s = $3 } /^peak/ { m = $3 } END { print s, m }'
}
llmc() { # the second step: the first touches its memory for the first time
    (cd "$LLMC" && OMP_NUM_THREADS=2 stdbuf -oL timeout 300 ./train_gpt2 2>/dev/null) |
        awk '/^step 1:/ { sub(/.*took /, ""); print $1 / 1000, 0; exit }'
}
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
report() { # NAME OURS PEER
    awk -v n="$1" -v a="$(median "$out/$2")" -v b="$(median "$out/$3")" -v m="$(cut -d' ' -f2 "$out/$2" | sort -g | tail -1)" \
        -v p="$(cut -d' ' -f2 "$out/$3" | sort -g | tail -1)" 'BEGIN {
        printf "%-34s %8.2f s %8.2f s   %5.2fx", n, a, b, b / a
        if (p > 0) printf "   %5.0f MiB %5.0f MiB   %.2f", m, p, m / p
        print "" }'
}

if [ -n "${TRANSFORMERS:-}" ]; then
    for round in $(seq "$rounds"); do
        for case in $cases; do
            ours "$case" 1 >>"$out/$case"
            transformers "$case" >>"$out/peer-$case"
        done
        printf 'round %s of %s\n' "$round" "$rounds" >&2
    done
    printf '%-34s %10s %10s   %6s   %9s %9s   %s\n' "$clock" Attune peer faster 'our peak' 'its peak' ratio
    for case in $cases; do
        report "$case, transformers" "$case" "peer-$case"
    done
    exit 0
fi
i=0
while [ $i -lt "$rounds" ]; do
    i=$((i + 1))
    ours dpo-15m >>"$out/dpo"
    torch >>"$out/torch"
    if [ -n "${LLMC:-}" ]; then
        ours sft-124m >>"$out/sft"
        llmc >>"$out/llmc"
    fi
    printf 'round %s of %s\n' "$i" "$rounds" >&2
done
printf '%-34s %10s %10s   %6s   %9s %9s   %s\n' 'step' Attune peer faster 'our peak' 'its peak' ratio
report 'DPO 15M, 8 pairs x 256, PyTorch' dpo torch
[ -z "${LLMC:-}" ] || report 'GPT-2 124M, B=4 T=64, llm.c' sft llmc
