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
