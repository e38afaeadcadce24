#!/bin/sh
# attune objectives: the list, the explanations, the calculator, and that the documentation page is what they say.
set -u
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_PROJECT NO_COLOR COLUMNS
export ATTUNE_ENGINE="$build/attune-engine" HOME="$work" XDG_DATA_HOME="$work/data"
source=$(cd "$source" && pwd)
cd "$work"
bad=0

ok() { printf 'ok %s\n' "$1"; }
not_ok() {
    printf 'not ok %s\n' "$1"
    sed 's/^/    /' "$work/out" "$work/err" | head -n 40
    bad=1
}
# status N NAME COMMAND...: standard input is $work/in
status() {
    want=$1 name=$2
    shift 2
    "$@" >"$work/out" 2>"$work/err" <"$work/in"
    got=$?
    [ "$got" = "$want" ] && ok "$name" || { printf '    status %s, not %s\n' "$got" "$want"; not_ok "$name"; }
}
says() { if grep -qE -- "$2" "$work/$1"; then ok "$3"; else not_ok "$3"; fi; }
json() {
    name=$1 want=$2
    shift 2
    got=$("$get" "$@" <"$work/out" 2>&1)
    [ "$got" = "$want" ] && ok "$name" || { printf '    "%s", not "%s"\n' "$got" "$want"; not_ok "$name"; }
}
narrow() { [ -z "$(grep -v '://' "$work/out" | grep '.\{81,\}')" ] && ok "$1 fits 80 columns" || not_ok "$1 fits 80 columns"; }
: >in

# The list and the page.
status 0 "objectives" "$attune" objectives
says out '^Preference pairs$' "grouped by what they learn from"
says out '^  dpo .*reference$' "with what they need"
narrow "the list"
status 0 "objectives --json" "$attune" objectives --json
"$get" length <out >n
i=0
while [ $i -lt "$(cat n)" ]; do "$get" $i name <out; i=$((i + 1)); done >names
[ "$(wc -l <names)" -ge 3 ] && ok "names in JSON" || not_ok "names in JSON"
status 0 "objectives --markdown" "$attune" objectives --markdown
diff "$source/docs/objectives.md" out >err && ok "docs/objectives.md is what the program prints" || {
    printf '    "make docs" writes the page anew; commit it with what you changed\n'
    not_ok "docs/objectives.md is what the program prints"
}

# Every objective explains itself; the completion and the man page know it.
"$attune" completion words -- train --objective "" >completion
"$attune" help --man >man
while read -r one; do
    status 0 "objectives show $one" "$attune" objectives show "$one"
    narrow "objectives show $one"
    for part in Loss 'Learns from' Costs Logs Pitfalls Paper; do
        grep -q "^$part\$" out || not_ok "objectives show $one has $part"
    done
    grep -qxF "$one" completion || not_ok "the completion knows $one"
    grep -qx "\.B $(printf %s "$one" | sed 's/-/\\\\-/g')" man || not_ok "the man page knows $one"
    status 2 "objectives eval $one without numbers" "$attune" objectives eval "$one" --no-such-option
done <names
status 2 "a misspelt name" "$attune" objectives show dop
says err 'did you mean.* dpo' "the near name is said"
status 2 "a name like none" "$attune" objectives show transformer
says err '"attune objectives" lists' "where the names are is said"

# The calculator, with the numbers of its own help.
sed -n "/^  echo '/,/^      attune/p" <<HELP >example
$("$attune" objectives eval --help)
HELP
[ "$(wc -l <example)" = 3 ] && ok "the help has an example" || not_ok "the help has an example"
mkdir bin
ln -s "$(command -v "$attune")" bin/attune
PATH="$work/bin:$PATH" sh ./example >out 2>err
json "the example can be pasted" 2 groups
json "its first loss" 0.31326168751822286 losses 0
printf '{"logp": [-12, -15], "ref": [-13, -14], "n": [6, 8]}\n\n{"logp": [-20, -10], "ref": [-18, -11.5], "n": 10}\n' >in
status 0 "objectives eval" "$attune" objectives eval dpo --set beta=0.5
json "a derivative" -0.42597640098415529 d_logp 1 0
json "a metric" 0.5 metrics rewards/accuracies
cp in groups.jsonl
: >in
status 0 "objectives eval of a file" "$attune" objectives eval dpo groups.jsonl
json "its parameters" 0.10000000000000001 settings beta
status 4 "a file that is not there" "$attune" objectives eval dpo nothing.jsonl
status 3 "no groups" "$attune" objectives eval dpo
# refused LINE PATTERN NAME
refused() {
    printf '%s\n' '{"logp": [-1, -2], "ref": [-1, -2], "n": [1, 2]}' "$1" >in
    status 3 "$3" "$attune" objectives eval dpo
    says err "$2" "$3: why and where"
}
refused '{"logp": [-1, -2], "n": [1, 2]}' ':2: "ref" is missing' "no reference"
refused '{"logp": [-1, -2], "ref": [-1, -2]}' ':2: "n" is missing' "no lengths"
refused '{"logp": [-1, -2, -3], "ref": 0, "n": 1}' ':2: the group has 3 responses, but dpo takes 2' "a group too large"
refused '{"logp": [-1, -2], "ref": [-1], "n": 1}' ':2: "logp" holds 2 numbers, "ref" holds 1' "arrays of two sizes"
refused '{"logp": [-1, 1e999], "ref": [-1, -2], "n": 1}' ':2 is not valid JSON: column' "an infinite number"
refused '{"logp": [-1, "a"], "ref": [-1, -2], "n": 1}' ':2: element 2 of "logp" is no number' "a word"
refused '{"logp": [-1, -2], "ref": [-1, -2], "n": [1, 0]}' ':2: the length 0' "an empty response"
refused '{"logps": [-1, -2]}' ':2: there is no number "logps"' "an unknown number"
refused '[1, 2]' ':2: this is no object' "no object"
printf '{"logp": [-1e308, 1e308], "ref": [1e308, -1e308], "n": 1}' >in
status 9 "a loss that is not finite" "$attune" objectives eval dpo --beta 100
: >in
status 2 "a parameter out of range" "$attune" objectives eval dpo --beta -1
says err 'beta' "it is named"
status 2 "a parameter that is none" "$attune" objectives eval dpo --set betta=1
says err 'did you mean --beta' "the near one is named"
exit $bad
