#!/bin/sh
# Every header compiles on its own, so that including it is enough. *_impl.h are bodies that kernels_*.c complete
# by their definitions, the first of which is VW, a vector's lanes.
set -eu
src=${ATTUNE_SRCDIR:-.} build=${ATTUNE_BUILDDIR:-.}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags=$(pkg-config --cflags jansson sqlite3 zlib libutf8proc libpcre2-8 openblas ncursesw)
cd "$src"
find src -name '*.h' ! -name '*_impl.h' | sort >"$out/list"
bad=0
while read -r header; do
    printf '#include "config.h"\n#include "%s"\n' "${header#src/}" >"$out/x.c"
    if ! ${CC:-gcc} -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only -DVW=4 -I"$build" -Isrc \
        $flags "$out/x.c" 2>"$out/said"; then
        printf 'not ok %s\n' "$header"
        cat "$out/said"
        bad=1
    fi
done <"$out/list"
[ $bad = 1 ] || printf 'ok %s headers compile alone\n' "$(wc -l <"$out/list")"
exit $bad
