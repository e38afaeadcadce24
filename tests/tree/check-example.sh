#!/bin/sh
# The new objective that HACKING.md shows as a patch: it applies to the tree as it is, and its file compiles without a
# warning.
set -eu
src=${ATTUNE_SRCDIR:-.} build=${ATTUNE_BUILDDIR:-.}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
command -v patch >"$out/patch" || {
    echo "skip: there is no patch program"
    exit 77
}
sed -n '/^```diff$/,/^```$/p' "$src/HACKING.md" | sed '1d;$d' >"$out/example.diff"
sed -n 's,^--- a/,,p' "$out/example.diff" >"$out/files"
mkdir -p "$out/src/train/objective"
while read -r file; do
    mkdir -p "$out/$(dirname "$file")"
    cp "$src/$file" "$out/$file"
    chmod u+w "$out/$file"
done <"$out/files"
# Every line must be found: nothing is put in by its number alone.
if ! patch -p1 --fuzz=0 -d "$out" <"$out/example.diff" >"$out/said" 2>&1; then
    echo "not ok the objective of HACKING.md applies as a patch"
    cat "$out/said"
    exit 1
fi
echo "ok the objective of HACKING.md applies as a patch"
flags=$(pkg-config --cflags jansson)
if ! ${CC:-gcc} -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror -fsyntax-only -I"$build" -I"$src/src" $flags \
    "$out/src/train/objective/hinge.c" >"$out/said" 2>&1; then
    echo "not ok its file compiles"
    cat "$out/said"
    exit 1
fi
echo "ok its file compiles"
