#!/bin/sh
# Options of every command: only reading, no words, no questions, colours; asking before what cannot be taken back.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune
work=$(mktemp -d)
trap 'for p in "$work"/a/runs/*/lock; do read -r pid <"$p" && kill -9 "$pid"; done 2>/dev/null; rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS CLICOLOR_FORCE ATTUNE_READ_ONLY ATTUNE_QUIET ATTUNE_NO_INPUT
export ATTUNE_ENGINE="$build/tests/unit/launch_peer" HOME="$work" XDG_DATA_HOME="$work/data" ATTUNE_PROJECT="$work/a"
cd "$work"

empty() { if [ ! -s "$work/$1" ]; then ok "$2"; else not_ok "$2"; fi; }
bytes() { find "$work/a" ! -name '*-shm' -type f \( ! -name '*-wal' -o -size +0 \) -exec cksum {} + | LC_ALL=C sort; }

status 0 "a run" "$attune" train --objective dpo --name one --detach
read -r pid <"$work/a/runs/one/lock"
kill -9 "$pid"
i=0
while ! "$attune" runs | grep -q dead && [ $i -lt 50 ]; do sleep 0.1; i=$((i + 1)); done

# The machine, with and without a run; numbers come from a folder that is as /proc.
status 0 "a run that lives" "$attune" resume one --detach
read -r pid <"$work/a/runs/one/lock"
status 0 "top" "$attune" top
says out '^processors  [0-9]+, ([0-9]+ %|-) busy$' "processors"
says out '^memory      [0-9.]+ [KMG]iB of [0-9.]+ [KMG]iB used$' "memory"
says out "^one +running .* $pid\$" "the run and its process"
status 0 "top --json" "$attune" top --once --json
[ "$("$build/tests/lib/json_get" runs 0 pid <"$work/out")" = "$pid" ] && ok "its process in JSON" ||
    not_ok "its process in JSON"
[ "$("$build/tests/lib/json_get" runs 0 memory <"$work/out")" -gt 100000 ] && ok "its memory" || not_ok "its memory"
mkdir -p "$work/proc/$pid"
start=$(sed 's/.*) //' "/proc/$pid/stat" | cut -d ' ' -f 20)
echo 'cpu 100 0 100 800 0 0 0 0' >"$work/proc/stat"
printf 'MemTotal: 8388608 kB\nMemAvailable: 2097152 kB\n' >"$work/proc/meminfo"
echo "$pid (a) b) R 1 1 1 0 -1 0 0 0 0 0 700 300 0 0 20 0 3 0 $start 0 1024" >"$work/proc/$pid/stat"
status 0 "top of known numbers" env ATTUNE_PROC="$work/proc" ATTUNE_NVML=none "$attune" top
says out '^memory      6.0 GiB of 8.0 GiB used$' "memory that is taken"
says out '^one +running +[0-9]+/[0-9]+ +0 % +4.0 MiB +3 ' "the run's memory and threads"
nvml=$build/tests/unit/fake_nvml.so
if [ -e "$nvml" ]; then
    status 0 "top with cards" env ATTUNE_PROC="$work/proc" ATTUNE_NVML="$nvml" FAKE_NVML_PID="$pid" COLUMNS=120 "$attune" top
    says out '^gpu 0       97 % busy, 61.0 GiB of 80.0 GiB used, 412 W, 63 C$' "what a card says"
    says out "^one +running .* $pid +0,1 +3.0 GiB\$" "which cards the run's process computes on, and its memory there"
    status 0 "top --json with cards" env ATTUNE_PROC="$work/proc" ATTUNE_NVML="$nvml" FAKE_NVML_PID="$pid" "$attune" top --once --json
    [ "$("$build/tests/lib/json_get" runs 0 gpus 1 gpu <"$work/out")" = 1 ] && ok "the same in JSON" || not_ok "the same in JSON"
    status 0 "top with cards of others" env ATTUNE_PROC="$work/proc" ATTUNE_NVML="$nvml" FAKE_NVML_PID=1 "$attune" top
    says out "^one +running .* $pid +- +-\$" "which are not the run's"
fi
echo "$pid (a) R 1 1 1 0 -1 0 0 0 0 0 700 300 0 0 20 0 3 0 1 0 1024" >"$work/proc/$pid/stat"
status 0 "another process with its number" env ATTUNE_PROC="$work/proc" ATTUNE_NVML=none "$attune" top
says out '^No run lives on this machine' "is not the run"
kill -9 "$pid"
status 0 "top without a project" env -u ATTUNE_PROJECT "$attune" top
says out '^No run lives on this machine' "says that there is no run"
status 4 "top of a project that is not there" "$attune" top --project "$work/new"

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
# A record a line: the same fields in each, nothing cut, and no columns left out where the line is short.
for list in runs "log one" objectives "preset list"; do
    status 0 "plain: $list" env COLUMNS=40 "$attune" --plain $list
    is_one=$(awk -F'\t' 'NF {print NF}' "$work/out" | sort -u | wc -l)
    [ "$is_one" -le 1 ] && ok "as many fields in each line of $list" || not_ok "as many fields in each line of $list"
done
status 0 "plain after the command" env COLUMNS=40 "$attune" runs --plain
[ "$(head -n 1 "$work/out" | awk -F'\t' '{print NF}')" = 11 ] && ok "all columns" || not_ok "all columns"
grep -q '  ' "$work/out" && not_ok "no alignment" || ok "no alignment"
status 0 "the environment says it as well" env ATTUNE_PLAIN=1 "$attune" objectives
says out "^dpo	" "a name and a tab"
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
