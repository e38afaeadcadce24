#!/bin/sh
# Builds tests/fuzz/fuzz_TARGET.c with clang's libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, and runs it
# on the committed corpus. Run in a build folder (where config.h is):
#     SOURCE/tests/fuzz/libfuzzer.sh TARGET [libFuzzer's options]      (-runs=10000000, -max_total_time=120, ...)
# New inputs stay in libfuzzer/TARGET/corpus, what fails in libfuzzer/TARGET. LIBS adds libraries.
set -eu
[ $# -ge 1 ] || { echo "usage: $0 TARGET [options of libFuzzer]" >&2; exit 2; }
target=$1
shift
source=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd)
[ -f config.h ] || { echo "$0: run it in the build folder, where configure wrote config.h" >&2; exit 2; }
case $target in # the folders of src/ that a target needs
jinja) folders="base text/jinja" ;;
tokenizer) folders="base text text/jinja" ;;
json) folders="base" ;;
safetensors) folders="base model" ;;
*) folders="base text text/jinja corpus corpus/parquet" ;;
esac
files=
for folder in $folders; do
    for file in "$source/src/$folder"/*.c; do
        [ -f "$file" ] && files="$files $file"
    done
done
work=libfuzzer/$target
mkdir -p "$work/corpus"
packages="jansson libutf8proc zlib libpcre2-8"
for extra in libzstd snappy; do
    pkg-config --exists $extra 2>/dev/null && packages="$packages $extra"
done
# shellcheck disable=SC2046,SC2086
${CLANG:-clang} -std=gnu17 -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
    -ffp-contract=off -I. -I"$source/src" -I"$source/tests/fuzz" -DATTUNE_DATADIR='""' -DATTUNE_SOURCE_SHARE='""' \
    $(pkg-config --cflags $packages) -o "$work/fuzz_$target" \
    "$source/tests/fuzz/fuzz_$target.c" "$source/tests/fuzz/fuzz_folder.c" $files \
    $(pkg-config --libs $packages) ${LIBS-} -lm -lpthread
dictionary=$source/tests/fuzz/$target.dict
[ ! -f "$dictionary" ] || set -- "-dict=$dictionary" "$@"
exec "$work/fuzz_$target" -artifact_prefix="$work/" "$@" "$work/corpus" "$source/tests/fuzz/corpus/$target"
