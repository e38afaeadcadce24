#!/bin/sh
# summary.sh BUILD STATUS: what `make check` did, from the logs it left. Shows every failure whole, and ends with
# "N passed, N failed, N skipped". Programs written with cmocka count by test, scripts by their lines
# "ok ..." / "not ok ..." / "skip ...", or as one.
set -eu
build=$1 status=$2
passed=0 failed=0 skipped=0

count() { grep -c "$1" "$2" || true; }
# cmocka's own closing lines: "[  FAILED  ] 2 test(s), listed below:"
closing() { sed -n "s/^\[ *$1 *\] \([0-9]*\) test(s).*/\1/p" "$2" | awk '{ n += $1 } END { print n + 0 }'; }

for trs in $(find "$build/tests" -name '*.trs' | sort); do
    log=${trs%.trs}.log
    result=$(sed -n 's/^:test-result: *//p' "$trs" | head -n 1)
    ok=$(($(closing PASSED "$log") + $(count '^ok ' "$log")))
    bad=$(($(closing FAILED "$log") + $(count '^not ok ' "$log")))
    none=$(($(closing SKIPPED "$log") + $(count '^skip ' "$log")))
    case $result in
    PASS*) [ "$ok$none" != 00 ] || ok=1 ;;
    SKIP*) [ "$none" != 0 ] || none=1 ;;
    *)
        [ "$bad" != 0 ] || bad=1
        printf '\n---- %s\n' "${log#"$build"/}"
        tail -n 60 "$log"
        ;;
    esac
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + none))
done

if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    tail -n 40 "$build/check.log" # the build of a test failed, no test did
    failed=1
fi
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
