#!/bin/sh
# check.sh SOURCE: builds mutants of the tree one after the other, in a copy of it, and runs the quick tests that are to
# catch
# them. $MUTANTS names the ones to try ("" for all). Fails for one that survives, does not compile, or whose text is not
# found
# exactly once.
#
# ROOM.txt beside this script holds the mutants of a room, one block each:
#   mutant NAME
#   file PATH
#   find TEXT      what stands exactly once in the file; several lines "find" are several lines of it, with their indentation
#   put TEXT       what stands there instead, as many lines; "put-nothing": nothing
#   test PROGRAMS  quick tests of which one must fail
set -eu
LC_ALL=C
export LC_ALL
src=$(cd "$1" && pwd) wanted=${MUTANTS-}
work=$(mktemp -d "${TMPDIR:-/tmp}/attune-mutants-XXXXXX")
tree=$work/tree build=$work/build log=$work/log
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$tree" "$build" "$work/tmp"

fail() {
    echo "$*" >&2
    [ ! -s "$log" ] || tail -n 20 "$log" >&2
    exit 1
}

# ---- the copy ----

if [ -e "$src/.git" ]; then
    (cd "$src" && git ls-files -z --cached --others --exclude-standard &&
        for f in configure aclocal.m4 Makefile.in config.h.in build-aux; do [ ! -e $f ] || printf '%s\0' $f; done) |
        tar -C "$src" --null --ignore-failed-read -T - -cf - 2>"$log" | tar -C "$tree" -xf -
else # as it was unpacked; what a build in it has left would be taken for built
    (cd "$src" && tar --exclude=./build --exclude='*.o' --exclude='*.a' --exclude=.deps --exclude=./config.status \
        --exclude=./Makefile --exclude=./config.h --exclude=./stamp-h1 -cf - .) | tar -C "$tree" -xf -
    find "$tree/tests" -type f -perm -100 ! -name '*.sh' ! -name '*.py' -exec rm -f {} +
fi
chmod -R u+w "$tree"
[ -x "$tree/configure" ] || (cd "$tree" && ./bootstrap) >"$log" 2>&1 || fail "the copy has no configure"
: "${CC:=gcc}"
case $CC in
*ccache*) ;;
*) ! command -v ccache >"$log" || CC="ccache $CC" ;;
esac
CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1
export CCACHE_BASEDIR CCACHE_NOHASHDIR
# Little optimization: compiling is most of the time here.
(cd "$build" && "$tree/configure" --quiet CC="$CC" CFLAGS=-O1) >"$log" 2>&1 || fail "the copy cannot be configured"

# ---- running ----

unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that called this

TMPDIR=$work/tmp ATTUNE_SRCDIR=$tree ATTUNE_BUILDDIR=$build ATTUNE_SHARE=$tree/share/attune
export TMPDIR ATTUNE_SRCDIR ATTUNE_BUILDDIR ATTUNE_SHARE

# What has to be built for tests: themselves, and the programs that they start.
targets() {
    printf '%s ' "$@"
    case "$*" in *tests/train/run/* | *tests/train/engine/*) printf 'attune attune-engine ' ;; esac
    case "$*" in *tests/ui/*) printf 'attune attune-engine ' ;; esac
    case "$*" in *tests/unit/test_launch*) printf 'tests/unit/launch_peer ' ;; esac
}

make_tests() {
    # shellcheck disable=SC2046
    make -s -C "$build" -j"$(getconf _NPROCESSORS_ONLN)" $(targets "$@") >"$log" 2>&1
}

# 0: it passed (or skipped itself).
passes() {
    status=0 patience=60
    case $1 in tests/ui/*) patience=300 ;; esac # consoles that wait for models
    (cd "$build" && timeout -k 5 $patience "./$1") >"$log" 2>&1 || status=$?
    [ $status = 0 ] || [ $status = 77 ]
}

# The first case of a cmocka program that failed, from its words.
culprit() {
    sed -n 's/^\[  FAILED  \] \([a-z_0-9]*\)$/\1/p' "$log" | head -n 1
}

# Puts $PUT in the place of $FIND, which must stand in one place.
substitute() {
    awk 'BEGIN { find = ENVIRON["FIND"]; put = ENVIRON["PUT"] }
        { text = text $0 "\n" }
        END {
            at = index(text, find)
            rest = substr(text, at + length(find))
            printf "%s%s%s", substr(text, 1, at - 1), put, rest
            exit !at || index(rest, find) > 0
        }' "$1" >"$2"
}

# ---- the mutants ----

caught=0 survived=0 broken=0

try() {
    begun=$(date +%s)
    if ! substitute "$tree/$file" "$work/mutated"; then
        echo "broken $name: its text does not stand exactly once in $file"
        broken=$((broken + 1))
        return
    fi
    cp "$tree/$file" "$work/original"
    cp "$work/mutated" "$tree/$file"
    # shellcheck disable=SC2086
    if ! make_tests $tests; then
        echo "broken $name: it does not compile"
        tail -n 5 "$log"
        broken=$((broken + 1))
    else
        by=
        for t in $tests; do
            passes "$t" || {
                by=$t
                break
            }
        done
        if [ "$by" ]; then
            case=$(culprit)
            echo "caught $name by $by${case:+ ($case)} in $(($(date +%s) - begun)) s"
            caught=$((caught + 1))
        else
            echo "SURVIVED $name: $room, $file, not seen by $tests"
            survived=$((survived + 1))
        fi
    fi
    cp "$work/original" "$tree/$file" # a new time, so that it is built again
}

newline='
'
# Every block of a room's table; what is done with it is the argument.
each_of() {
    room=$(basename "$1" .txt | tr - /)
    name='' file='' FIND='' PUT='' tests=''
    while IFS= read -r line || [ "$line" ]; do
        key=${line%% *} value=${line#* }
        case $key in
        '#' | '') ;;
        mutant) name=$value file='' FIND='' PUT='' tests='' ;;
        file) file=$value ;;
        find) FIND=$FIND${FIND:+$newline}$value ;;
        put) PUT=$PUT${PUT:+$newline}$value ;;
        put-nothing) ;;
        test)
            tests=$value
            if [ -z "$name" ] || [ ! -f "$tree/$file" ] || [ -z "$FIND" ]; then
                fail "$1: mutant \"$name\" lacks its file or text before the line test"
            fi
            export FIND PUT
            case " ${wanted:-$name} " in *" $name "*)
                n=$((n + 1))
                "$2" </dev/null
                ;;
            esac
            ;;
        *) fail "$1: what is \"$line\"?" ;;
        esac
    done <"$1"
}

each() {
    n=0
    for table in "$src"/tests/mutants/*.txt; do
        each_of "$table" "$1"
    done
}

all_tests='' names=''
collect() {
    names="$names $name"
    for t in $tests; do
        case " $all_tests " in *" $t "*) ;; *) all_tests="$all_tests $t" ;; esac
    done
}

each collect
for name in $wanted; do
    case "$names " in *" $name "*) ;; *) fail "no mutant is called $name" ;; esac
done
echo "building $n mutants' tests as they are"
# shellcheck disable=SC2086
make_tests $all_tests || fail "the tree does not build without a mutant"
for t in $all_tests; do
    passes "$t" || fail "$t fails without a mutant"
done
each try
[ $broken = 0 ] || echo "$broken broken"
echo "$caught caught, $survived survived"
[ $((survived + broken)) = 0 ]
