#!/bin/sh
# check.sh SOURCE: builds mutants of the tree one after the other, in a copy of it, and runs the quick tests that are to
# catch them. $MUTANTS names the ones to try ("" for all; patterns as the shell's: "gpu-*"). Fails for one that survives,
# does not compile, or whose text is not found exactly once, and for one whose test fails without it; the others go on.
#
# $MUTANTS_IN is a folder where copy and build stay, so that the next call builds only what has changed since. One call at
# a time; without it there is a folder in $TMPDIR that goes.
#
# ROOM.txt beside this script holds the mutants of a room, one block each:
#   mutant NAME
#   file PATH
#   find TEXT      what stands exactly once in the file; several lines "find" are several lines of it, with their indentation
#   put TEXT       what stands there instead, as many lines; "put-nothing": nothing. No line of either is empty
#   test PROGRAMS  quick tests of which one must fail; PROGRAM:PATTERN: those of its cases alone ("attention_*")
set -euf
LC_ALL=C
export LC_ALL
src=$(cd "$1" && pwd) wanted=${MUTANTS-}
if [ "${MUTANTS_IN-}" ]; then
    mkdir -p "$MUTANTS_IN"
    work=$(cd "$MUTANTS_IN" && pwd)
    trap 'rm -rf "$work/tmp"' EXIT
else
    work=$(mktemp -d "${TMPDIR:-/tmp}/attune-mutants-XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi
trap 'echo "stopped by a signal" >&2; exit 130' INT TERM HUP
tree=$work/tree build=$work/build log=$work/log
mkdir -p "$tree" "$build" "$work/tmp"
: >"$log"

# What was said last. Whoever fails and has not said why was stopped, or had no space to.
said() {
    if [ -s "$log" ]; then
        tail -n 20 "$log"
    else
        echo "without a word; the space of $work:"
        df -P "$work"
    fi
}

fail() {
    echo "$*" >&2
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
if [ -e "$work/mutated-files" ]; then # what calls before built of them is newer than what was unpacked
    while read -r file; do
        [ ! -e "$tree/$file" ] || touch "$tree/$file"
    done <"$work/mutated-files"
    rm "$work/mutated-files"
fi
[ -x "$tree/configure" ] || (cd "$tree" && ./bootstrap) >"$log" 2>&1 || fail "the copy has no configure: $(said)"
: "${CC:=gcc}"
case $CC in
*ccache*) ;;
*) ! command -v ccache >"$log" || CC="ccache $CC" ;;
esac
case $CC in
*ccache*)
    if command -v "${CXX:-g++}" >"$log"; then
        CXX="ccache ${CXX:-g++}"
        export CXX
    fi
    ;;
esac
CCACHE_BASEDIR=$work CCACHE_NOHASHDIR=1
export CCACHE_BASEDIR CCACHE_NOHASHDIR
# Little optimization: compiling is most of the time here.
[ -e "$build/config.status" ] || (cd "$build" && "$tree/configure" --quiet CC="$CC" CFLAGS=-O1 CXXFLAGS=-O1) >"$log" 2>&1 ||
    fail "the copy cannot be configured: $(said)"

# ---- running ----

unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that called this

TMPDIR=$work/tmp ATTUNE_SRCDIR=$tree ATTUNE_BUILDDIR=$build ATTUNE_SHARE=$tree/share/attune
export TMPDIR ATTUNE_SRCDIR ATTUNE_BUILDDIR ATTUNE_SHARE

# A case that fails ends its program.
CMOCKA_TEST_ABORT=1
export CMOCKA_TEST_ABORT
# shellcheck disable=SC3045
ulimit -c 0

# What has to be built for tests: themselves, and the programs that they start.
targets() {
    for program; do
        printf '%s ' "${program%%:*}"
    done
    case "$*" in *tests/train/run/* | *tests/train/engine/* | *tests/ui/*) printf 'attune attune-engine ' ;; esac
    case "$*" in *tests/unit/test_launch* | *tests/unit/test_server*) printf 'tests/unit/launch_peer ' ;; esac
}

# 0: what the tests need is there; with another first word, all of it that can be built is.
make_tests() {
    how=$1
    shift
    # shellcheck disable=SC2046,SC2086
    make -s $how -C "$build" -j"$(getconf _NPROCESSORS_ONLN)" $(targets "$@") >"$log" 2>&1
}

# passes TEST SECONDS: 0: it passed (or skipped itself).
passes() {
    status=0
    (
        case $1 in *:*) export ATTUNE_TEST_CASES="${1#*:}" ;; esac
        cd "$build" && timeout -k 5 "$2" "./${1%%:*}" || exit $?
    ) >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ]
}

# The case of a cmocka program that failed, from its words: the first that it says, else the last that began.
culprit() {
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        printf 'no end after %s s, in ' "$patience"
    fi
    awk '/\[  FAILED  \] [a-z_0-9]+$/ { print $NF; said = 1; exit }
        /^\[ RUN      \] / { last = $NF }
        END { if (!said) print last }' "$log"
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

# How long a test may take that took $1 seconds without a mutant: the machine may be busier now.
patience_after() {
    echo $((30 + 5 * $1))
}

try() {
    begun=$(date +%s)
    for t in $tests; do
        case " $unusable " in *" $t "*)
            echo "broken $name: $t does not pass without it"
            broken=$((broken + 1))
            return
            ;;
        esac
    done
    if ! substitute "$tree/$file" "$work/mutated"; then
        echo "broken $name: its text does not stand exactly once in $file"
        broken=$((broken + 1))
        return
    fi
    cp "$tree/$file" "$work/original"
    echo "$file" >>"$work/mutated-files"
    cp "$work/mutated" "$tree/$file"
    # shellcheck disable=SC2086
    if ! make_tests "" $tests; then
        echo "broken $name: it does not compile"
        said
        broken=$((broken + 1))
    else
        by=
        for t in $tests; do
            took=${times##*" $t="}
            patience=$(patience_after "${took%% *}")
            passes "$t" "$patience" || {
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
is_wanted() {
    [ "$wanted" ] || return 0
    for pattern in $wanted; do
        # shellcheck disable=SC2254
        case $name in $pattern) return 0 ;; esac
    done
    return 1
}

# Every block of a room's table; what is done with it is the argument.
each_of() {
    room=$(basename "$1" .txt | tr - /)
    name='' unfinished=''
    while IFS= read -r line || [ "$line" ]; do
        line=${line%"${line##*[! ]}"} # without spaces at its end
        key=${line%% *} value=${line#* }
        case $key in
        '#' | '') ;;
        put-nothing) ;;
        "$line") fail "$1: mutant \"$name\" has an empty line \"$key\"" ;;
        mutant)
            [ -z "$unfinished" ] || fail "$1: mutant \"$unfinished\" has no line test"
            name=$value unfinished=$value file='' FIND='' PUT=''
            ;;
        file) file=$value ;;
        find) FIND=$FIND${FIND:+$newline}$value ;;
        put) PUT=$PUT${PUT:+$newline}$value ;;
        test)
            tests=$value unfinished=''
            if [ -z "$name" ] || [ ! -f "$tree/$file" ] || [ -z "$FIND" ]; then
                fail "$1: mutant \"$name\" lacks its file or text before the line test"
            fi
            export FIND PUT
            if is_wanted; then
                n=$((n + 1))
                "$2" </dev/null
            fi
            file=''
            ;;
        *) fail "$1: what is \"$line\"?" ;;
        esac
    done <"$1"
    [ -z "$unfinished" ] || fail "$1: mutant \"$unfinished\" has no line test"
}

each() {
    n=0
    set +f
    for table in "$src"/tests/mutants/*.txt; do
        set -f
        each_of "$table" "$1"
    done
}

all_tests='' names=''
collect() {
    names="$names$name$newline"
    for t in $tests; do
        case " $all_tests " in *" $t "*) ;; *) all_tests="$all_tests $t" ;; esac
    done
}

each collect
for pattern in $wanted; do
    wanted=$pattern
    for name in $names; do
        ! is_wanted || continue 2
    done
    fail "no mutant is called $pattern"
done
wanted=${MUTANTS-}
echo "building $n mutants' tests as they are"
# shellcheck disable=SC2086
make_tests -k $all_tests || true # what cannot be built is asked for once more below
unusable='' times=' ' patience=600 # without a mutant as long as the suite waits
for t in $all_tests; do
    begun=$(date +%s)
    if ! make_tests "" "$t"; then
        why="cannot be built"
    elif ! passes "$t" $patience; then
        why="fails in $(culprit)"
    elif [ "$t" != "${t%:*}" ] && ! grep -q '^\[ RUN ' "$log"; then
        why="has no such case"
    else
        times="$times$t=$(($(date +%s) - begun)) "
        continue
    fi
    echo "$t $why without a mutant:"
    said
    unusable="$unusable $t"
done
each try
[ $broken = 0 ] || echo "$broken broken"
echo "$caught caught, $survived survived"
[ $((survived + broken)) = 0 ]
