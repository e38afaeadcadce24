#!/bin/sh
# attune objectives: the list, the explanations, the calculator, and that the documentation page is what they say.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_PROJECT NO_COLOR COLUMNS
export ATTUNE_ENGINE="$build/attune-engine" HOME="$work" XDG_DATA_HOME="$work/data"
source=$(cd "$source" && pwd)
cd "$work"

narrow() { [ -z "$(grep -v '://' "$work/out" | grep '.\{81,\}')" ] && ok "$1 fits 80 columns" ||
    not_ok "$1 fits 80 columns"; }
: >in
input=$work/in

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
[ "$(wc -l <example)" = 5 ] && ok "the help has two examples" || not_ok "the help has two examples"
sed 1,3d example >tokens_example
sed -i 4,5d example
mkdir bin
ln -s "$(command -v "$attune")" bin/attune
PATH="$work/bin:$PATH" sh ./example >out 2>err
json "the example can be pasted" 2 groups
json "its first loss" 0.31326168751822286 losses 0
PATH="$work/bin:$PATH" sh ./tokens_example >out 2>err
json "so can the one of tokens" 1 groups
json "an answer is worth what it earned more than the other" 1.0 advantage 0 0 1
json "its derivative, of a ratio of exp(-0.1)" -0.45241875216399213 d_logp 0 0 0
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
# refused_tokens OBJECTIVE LINE PATTERN NAME
refused_tokens() {
    printf '%s\n' '{"score": [1, 0], "old_logp": [[-1], [-2, -1]], "logp": [[-1], [-2, -1]], "ended": [true, 0], "longest": 4}' "$2" >in
    status 3 "$4" "$attune" objectives eval "$1" --beta 0
    says err "$3" "$4: why and where"
}
refused_tokens rloo '{"score": [1, 0], "logp": [[-1], [-2]]}' ':2: "old_logp" is missing, which rloo needs' \
    "no old log-probabilities"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1]]}' \
    ':2: "score" has 2 answers, "logp" has 1' "answers left out"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1], [-2, -3]]}' \
    ':2: answer 2 has [12] tokens?' "tokens of two numbers"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], []], "logp": [[-1], []]}' \
    ':2: "[a-z_]*" is to be an array for each answer' "an answer of no tokens"
refused_tokens rloo '{"score": [1, 0], "old_logp": [-1, -2], "logp": [-1, -2]}' \
    ':2: "[a-z_]*" is to be an array for each answer' "sums for tokens"
refused_tokens rloo '{"score": 1, "old_logp": [[-1]], "logp": [[-1]]}' ':2: this is no object with' "a plain score"
refused_tokens rloo '{"score": [1], "old_logp": [[-1]], "logp": [[-1]]}' \
    ':2: there is 1 answer, but rloo compares at least 2' "one answer alone"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1], ["x"]]}' \
    ':2: number 1 of answer 2 in "logp" is none' "a word for a token"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1], [-1e39]]}' \
    ':2: number 1 of answer 2 in "logp", -1e\+39' "a number too large"
refused_tokens rloo '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1], [-2]], "longest": 1e9}' 'longest' \
    "a longest answer beyond all"
refused_tokens rloo '{"score": [1, 0], "old_logps": [[-1], [-2]]}' ':2: there is no number "old_logps"' "an unknown array"
refused_tokens rloo '{"score": [1e300, 0], "old_logp": [[-1], [-2]], "logp": [[-1], [-2]]}' \
    ':2: the score of answer 1' "a score too large"
refused_tokens ppo '{"score": [1], "old_logp": [[-1]], "logp": [[-1]], "value": [[0]]}' \
    '"value" is missing, which ppo needs' "no values"
printf '{"score": [1, 0], "old_logp": [[-1], [-2]], "logp": [[-1], [-2]]}' >in
status 3 "no reference under a penalty" "$attune" objectives eval rloo
says err '"reference" is missing' "it is named"
printf '{"score": [3e38, -3e38], "old_logp": [[-1], [-2]], "logp": [[-1], [-2]]}' >in
status 9 "an advantage that is not finite" "$attune" objectives eval rloo --beta 0
printf '{"logp": [-1e308, 1e308], "ref": [1e308, -1e308], "n": 1}' >in
status 9 "a loss that is not finite" "$attune" objectives eval dpo --beta 100
: >in
status 2 "a parameter out of range" "$attune" objectives eval dpo --beta -1
says err 'beta' "it is named"
status 2 "a parameter that is none" "$attune" objectives eval dpo --set betta=1
says err 'did you mean --beta' "the near one is named"
exit $bad
