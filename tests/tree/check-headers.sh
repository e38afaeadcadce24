#!/bin/sh
# Every header compiles on its own, so that including it is enough. *_impl.h are bodies that kernels_*.c complete
# by their definitions, the first of which is VW, a vector's lanes.
#
# Most headers stand first in the file of their own, behind config.h, so the build has compiled them alone; what is left to
# see of these are warnings, which show as well where those of a folder are included in one file.
set -eu
src=${ATTUNE_SRCDIR:-.} build=${ATTUNE_BUILDDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags=$(pkg-config --cflags jansson sqlite3 zlib libutf8proc libpcre2-8 openblas ncursesw)
cd "$src"
compile() {
    ${CC:-gcc} -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only -DVW=4 -I"$build" -Isrc \
        $flags "$out/x.c" 2>"$out/said"
}

find src -name '*.c' -exec awk 'FNR == 1 { n = 0 } /^#/ && ++n <= 2 { line[n] = $0 }
    n == 2 && line[1] == "#include \"config.h\"" && line[2] ~ /^#include "/ { split(line[2], w, "\""); print FILENAME, w[2] }
    n == 2 { n = 3 }' {} + >"$out/first"
while read -r file header; do
    object=$build/${file%.c}.o
    if [ "$object" -nt "$file" ] && [ "$object" -nt "src/$header" ]; then echo "src/$header"; fi
done <"$out/first" | sort -u >"$out/built"
find src -name '*.h' ! -name '*_impl.h' | sort >"$out/list"
grep -vxFf "$out/built" "$out/list" >"$out/alone" || true

bad=0
while read -r header; do
    printf '#include "config.h"\n#include "%s"\n' "${header#src/}" >"$out/x.c"
    if ! compile; then
        printf 'not ok %s\n' "$header"
        cat "$out/said"
        bad=1
    fi
done <"$out/alone"
for folder in $(sed 's|/[^/]*$||' "$out/list" | sort -u); do
    echo '#include "config.h"' >"$out/x.c"
    sed -n "s|^src/||; s|^\\(${folder#src/}/[^/]*\\)\$|#include \"\\1\"|p" "$out/list" >>"$out/x.c"
    if ! compile; then
        printf 'not ok the headers of %s\n' "$folder"
        cat "$out/said"
        bad=1
    fi
done
[ $bad = 1 ] || printf 'ok %s headers compile alone, %s of them in the build\n' "$(wc -l <"$out/list")" \
    "$(($(wc -l <"$out/list") - $(wc -l <"$out/alone")))"
exit $bad
