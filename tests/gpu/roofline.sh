#!/bin/sh
# docs/gpu.md is what the program counts, and its sums are those that a hand comes to.
set -u
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
ok() { if [ "$2" = 0 ]; then echo "ok $1"; else echo "not ok $1"; bad=1; fi; }
"$build/src/gpu/roofline" >"$work/page"
ok "it counts" $?
diff "$source/docs/gpu.md" "$work/page"
ok "docs/gpu.md is what it prints (make docs writes it)" $?
# OPT-1.3B: 24 layers of (4 x 2048^2 + 2 x 2048 x 8192) weights, 8 x (256 + 2 x 255) rows, 2 operations each: 14805 GFLOP.
awk -F'|' '/^## OPT-1.3B/ { on = 1 } /^## Llama/ { on = 0 }
    on && / forward / && /products/ { want = 2 * 24 * (4 * 2048^2 + 2 * 2048 * 8192) * 8 * 766 / 1e9; d = $3 - want; found = d < 1 && d > -1 }
    END { exit !found }' "$work/page"
ok "the layers' operations are those of their weights and rows" $?
# A step is the sum of its kernels, on each card, as far as the rounding of the cells goes.
awk -F'|' '/^## / { name = $0; sum = n = 0 }
    /^\| H100 SXM \|/ && NF > 8 { step = $3 + 0; fits = $0 !~ /does not fit/ }
    /^\| [a-zA-Z].*\| (operations|memory|launches) \|/ { sum += $6; n++ }
    name && /^\| AdamW/ { if (fits && n > 6 && (sum - step > 0.1 || step - sum > 0.1)) { print name ": " sum " is not " step; bad = 1 } seen++ }
    END { exit bad || seen != 4 }' "$work/page"
ok "a step is the sum of its kernels" $?
exit $bad
