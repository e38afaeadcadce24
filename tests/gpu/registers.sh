#!/bin/sh
# Registers, spills and stack of every kernel, as ptxas says them for sm_90a, against tests/gpu/registers.txt:
#   tests/gpu/registers.sh            compares; 77 where nvcc is missing
#   tests/gpu/registers.sh --update   writes the list anew; what changed in it is what a change of kernels did
# A spill is a failure wherever it is, and so is an array in memory, which a loop over it that is not unrolled leaves there.
# More registers than the list says, by more than MARGIN, are one as well: a kernel that needs twice as many runs with half
# the warps, and nothing else would tell.
set -eu
cd "${ATTUNE_SRCDIR:-$(dirname "$0")/../..}"
NVCC=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
MARGIN=${MARGIN:-8}
list=tests/gpu/registers.txt
if ! [ -x "$NVCC" ]; then
    echo "skipped: registers of kernels are known where nvcc is, and there is none here"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for file in src/gpu/*.cu; do
    if ! "$NVCC" -std=c++20 -O3 --fmad=false -Isrc -arch=sm_90a -Xptxas -v -cubin -o "$work/cubin" "$file" >"$work/said" 2>&1; then
        cat "$work/said"
        exit 1
    fi
    # A kernel's lines follow its name; a name is demangled without its parameters, templates keep theirs.
    c++filt <"$work/said" | awk -v file="${file#src/gpu/}" '
        /Compiling entry function/ { name = $0; sub(/.*function .(void )?/, "", name); sub(/. for .sm_.*/, "", name)
            gsub(/\(anonymous namespace\)::/, "", name); sub(/\([^()]*\)$/, "", name); gsub(/ /, "", name) }
        /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
        / Used [0-9]+ registers/ { n = $0; sub(/.* Used /, "", n); print file, name, n + 0, stores + loads, stack + 0 }'
done | LC_ALL=C sort >"$work/now"
if ! [ -s "$work/now" ]; then
    echo "not ok ptxas has named no kernel: its words may have changed"
    exit 1
fi
if [ "${1:-}" = --update ]; then
    { echo "# file kernel registers spilled-bytes stack-bytes, of sm_90a, by tests/gpu/registers.sh --update"; cat "$work/now"; } >$list
    exit 0
fi
awk -v margin="$MARGIN" '
    function bad(text) { print "not ok " $2 " of " $1 ": " text; failed = 1 }
    /^#/ { next }
    FNR == NR { known[$1 " " $2] = $3; next }
    { n++; key = $1 " " $2; seen[key] = 1 }
    $4 > 0 { bad($4 " bytes of registers are spilled to memory") }
    $5 > 0 && $4 == 0 { bad($5 " bytes of arrays stand in memory: loops that index them want UNROLL") }
    !(key in known) { bad("is not in the list; tests/gpu/registers.sh --update writes it"); next }
    $3 > known[key] + margin { bad($3 " registers, and the list has " known[key] " (margin " margin ")") }
    END {
        for (key in known)
            if (!(key in seen)) { print "not ok " key ": is in the list, and there is no such kernel any more"; failed = 1 }
        if (!failed) print "ok " n " kernels spill nothing and need no more registers than the list says (margin " margin ")"
        exit failed
    }' $list "$work/now"
