#!/bin/sh
# When OpenBLAS takes the CPU for an old one, the engine starts again with better kernels, once; what the person set
# is left alone. A preloaded library plays the OpenBLAS that errs.
set -eu
engine=${ATTUNE_BUILDDIR:-.}/attune-engine
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
unset OPENBLAS_CORETYPE ATTUNE_BLAS_WAS || true

case $("$engine" doctor | tr -d ' ') in
*'"features":"avx2fma'*) ;;
*) echo 'skip this CPU has nothing better than what OpenBLAS falls back to'; exit 77 ;;
esac
case $(ldd "$engine") in
*libasan*) echo 'skip a sanitizer does not stand a preloaded library'; exit 77 ;;
esac
cat >"$out/errs.c" <<'C'
#include <stdlib.h>
char *openblas_get_corename(void)
{
    char *set = getenv("OPENBLAS_CORETYPE");
    return set ? set : "Prescott";
}
C
${CC:-cc} -shared -fPIC -o "$out/errs.so" "$out/errs.c"

said=$(LD_PRELOAD="$out/errs.so" "$engine" doctor | tr -d ' ')
case $said in
*'"default":"Prescott"'*) echo 'ok a wrong choice is mended' ;;
*) echo "not ok a wrong choice is mended: $said"; exit 1 ;;
esac
said=$(OPENBLAS_CORETYPE=Prescott LD_PRELOAD="$out/errs.so" "$engine" doctor | tr -d ' ')
case $said in
*'"core":"Prescott"'*) echo 'ok what the person set is kept' ;;
*) echo "not ok what the person set is kept: $said"; exit 1 ;;
esac
