# What tests of the whole programs share; read by them (". .../tests/lib/e2e.sh") before they leave the folder that they were started in. They
# set $work, and end with "exit $bad".
bad=0

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
