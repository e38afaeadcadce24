#!/bin/sh
# Options of every command: only reading, no words, no questions, colours; asking before what cannot be taken back.
set -u
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune
work=$(mktemp -d)
trap 'for p in "$work"/a/runs/*/lock; do read -r pid <"$p" && kill -9 "$pid"; done 2>/dev/null; rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS CLICOLOR_FORCE ATTUNE_READ_ONLY ATTUNE_QUIET ATTUNE_NO_INPUT
export ATTUNE_ENGINE="$build/tests/unit/launch_peer" HOME="$work" XDG_DATA_HOME="$work/data" ATTUNE_PROJECT="$work/a"
bad=0
cd "$work"

ok() { printf 'ok %s\n' "$1"; }
not_ok() {
    printf 'not ok %s\n' "$1"
    sed 's/^/    /' "$work/out" "$work/err"
    bad=1
}
status() {
    want=$1 name=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" = "$want" ]; then ok "$name"; else
        printf '    status %s, not %s\n' "$got" "$want"
        not_ok "$name"
    fi
}
says() { if grep -qE -- "$2" "$work/$1"; then ok "$3"; else not_ok "$3"; fi; }
empty() { if [ ! -s "$work/$1" ]; then ok "$2"; else not_ok "$2"; fi; }
bytes() { find "$work/a" ! -name '*-shm' -type f \( ! -name '*-wal' -o -size +0 \) -exec cksum {} + | LC_ALL=C sort; }

status 0 "a run" "$attune" train --objective dpo --name one --detach
read -r pid <"$work/a/runs/one/lock"
kill -9 "$pid"
i=0
while ! "$attune" runs | grep -q dead && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done

# Only reading.
bytes >"$work/before"
while read -r line; do
    status 7 "read-only: $line" "$attune" --read-only $line
    says err 'read-only' "it says why: $line"
    status 7 "read-only after it: $line" "$attune" $line --read-only
done <<EOF
train --objective dpo --name two --detach
tag one +x
note one text
rename one three
pin one
archive one
remove one
remove one --restore
set one lr=1e-5
pause one
resume one --detach
stop one
fork one lr=1e-5
undo
preset save mine one
EOF
status 0 "read-only: looking" "$attune" --read-only runs
says out '^one ' "the list is there"
status 0 "read-only: the console's commands" "$attune" --read-only -e 'size 100x30; snapshot -'
says out 'read-only' "it says what it is"
status 4 "read-only makes no project" "$attune" --read-only --project "$work/new" runs
[ ! -e "$work/new" ] && ok "nothing was made" || not_ok "nothing was made"
bytes >"$work/after"
cmp -s "$work/before" "$work/after" && ok "no byte has changed" || not_ok "no byte has changed"

# Words and colours.
status 0 "quiet" "$attune" --quiet tag one +hh
empty out "nothing is said"
status 0 "a note in quiet" "$attune" note one "a text" --quiet
empty out "nothing is said of a note"
status 0 "what was asked for is printed" "$attune" --quiet note one
says out '^a text$' "the note"
status 4 "errors are said" "$attune" --quiet show two
says err 'two' "the error"
esc=$(printf '\033')
status 0 "no colour into a file" "$attune" runs
if grep -q "$esc" "$work/out"; then not_ok "none"; else ok "none"; fi
status 0 "CLICOLOR_FORCE" env CLICOLOR_FORCE=1 "$attune" runs
says out "$esc\\[" "colour"
status 0 "--no-color wins" env CLICOLOR_FORCE=1 "$attune" runs --no-color
if grep -q "$esc" "$work/out"; then not_ok "no colour then"; else ok "no colour then"; fi
status 0 "CLICOLOR_FORCE=0" env CLICOLOR_FORCE=0 "$attune" runs
if grep -q "$esc" "$work/out"; then not_ok "0 forces nothing"; else ok "0 forces nothing"; fi

# Questions.
status 2 "no-input: the console" "$attune" --no-input
says err 'give commands with -e' "what to give"
status 0 "dry run of remove" "$attune" remove one --dry-run
says out 'would go to the trash' "it says so"
[ -d "$work/a/runs/one" ] && ok "nothing was done" || not_ok "nothing was done"
status 0 "remove" "$attune" remove one
status 2 "no-input: purge" "$attune" remove --purge --no-input
says err 'give --yes' "what to give"
status 0 "dry run of purge" "$attune" remove --purge --dry-run
says out '^one: would be deleted' "which"
says out '1 run would be deleted, .*iB freed' "how much"
[ -d "$work/a/trash/one" ] && ok "it is there still" || not_ok "it is there still"
if command -v script >/dev/null; then
    # answer TEXT: purge asked on a terminal
    answer() { printf '%s\n' "$1" | script -qec "$attune remove --purge" /dev/null >"$work/out" 2>"$work/err"; }
    answer n
    says out 'Delete 1 run .* for good\? \[y/N\]' "a terminal is asked"
    [ -d "$work/a/trash/one" ] && ok "no keeps it" || not_ok "no keeps it"
    answer y
    [ ! -e "$work/a/trash/one" ] && ok "yes deletes it" || not_ok "yes deletes it"
else
    echo "skip script is not here"
    status 0 "purge with --yes" "$attune" remove --purge --no-input --yes
    [ ! -e "$work/a/trash/one" ] && ok "it is gone" || not_ok "it is gone"
fi
exit $bad
