# What tests of the whole programs share; read by them (". .../tests/lib/e2e.sh") before they leave the folder that they
# were started in. They
# set $work, $attune and $get, and end with "exit $bad".
bad=0

ok() { printf 'ok %s\n' "$1"; }
# not_ok NAME: with what the last command said
not_ok() {
    printf 'not ok %s\n' "$1"
    sed 's/^/    /' "$work/out" "$work/err" | head -n 40
    bad=1
}
# status N NAME COMMAND...: its exit status; its output is in $work/out and $work/err, its input $input or nothing
status() {
    want=$1 name=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" <"${input:-/dev/null}"
    got=$?
    if [ "$got" = "$want" ]; then ok "$name"; else
        printf '    status %s, not %s\n' "$got" "$want"
        not_ok "$name"
    fi
}
# says FILE PATTERN NAME: the last command did, in out or err
says() { if grep -qE -- "$2" "$work/$1"; then ok "$3"; else not_ok "$3"; fi; }
# json NAME WANT PATH...: the last output is JSON, and this is in it
json() {
    name=$1 want=$2
    shift 2
    got=$("$get" "$@" <"$work/out" 2>&1)
    if [ "$got" = "$want" ]; then ok "$name"; else
        printf '    "%s", not "%s"\n' "$got" "$want"
        not_ok "$name"
    fi
}
# field RUN PATH...: of what is known of the run
field() {
    of=$1
    shift
    "$attune" show "$of" --json | "$get" "$@"
}
# until_is RUN FIELD PATTERN: waits for at most 60 s
until_is() {
    i=0
    while ! field "$1" "$2" 2>/dev/null | grep -qE "$3" && [ $i -lt 600 ]; do sleep 0.1; i=$((i + 1)); done
}
# refused NAME PATTERN COMMAND...: that it fails and says so
refused() {
    name=$1 pattern=$2
    shift 2
    if "$@" >"$work/out" 2>"$work/err" </dev/null || ! grep -q -- "$pattern" "$work/err"; then not_ok "$name"
    else ok "$name"; fi
}
# check NAME COMMAND...: that it succeeds
check() {
    name=$1
    shift
    if timeout 250 "$@" >"$work/out" 2>"$work/err" </dev/null; then printf 'ok %s\n' "$name"; else
        printf 'not ok %s\n' "$name"
        sed 's/^/    /' "$work/out" "$work/err"
        bad=1
    fi
}
# is NAME WANT GOT
is() { if [ "$2" = "$3" ]; then printf 'ok %s\n' "$1"; else printf 'not ok %s: "%s", not "%s"\n' "$1" "$3" "$2"; bad=1; fi; }
# refuses STATUS PATTERN NAME COMMAND...
refuses() {
    want=$1 pattern=$2 name=$3
    shift 3
    timeout 100 "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$pattern" "$work/err"; then printf 'ok %s\n' "$name"; else
        printf 'not ok %s: status %s\n' "$name" "$got"
        sed 's/^/    /' "$work/err"
        bad=1
    fi
}
# run STATUS NAME COMMAND...: the exit status, with output in out and err
run() {
    want=$1 name=$2
    shift 2
    "$@" >out 2>err
    is "$name" "$want" $?
}
