#!/bin/sh
# Compare, Data and the form for a new run line by line, with the engine: what is typed, and what is heard.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
attune=$build/attune
demo=$(cd "${ATTUNE_SRCDIR:-.}/share/attune/models/demo" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS ATTUNE_READ_ONLY ATTUNE_QUIET ATTUNE_NO_INPUT
export ATTUNE_ENGINE="$build/attune-engine" HOME="$work" XDG_DATA_HOME="$work/data" XDG_STATE_HOME="$work/state" \
    ATTUNE_PROJECT="$work/a" USER=tester OMP_NUM_THREADS=1
cd "$work" || exit 1

says() { if grep -qE -- "$1" "$work/out"; then ok "$2"; else not_ok "$2"; fi; }
never() { if grep -qE -- "$1" "$work/out"; then not_ok "$2"; else ok "$2"; fi; }
lines() {
    name=$1
    shift
    if timeout 120 "$attune" --lines "$@" >"$work/out" 2>"$work/err"; then ok "$name"; else not_ok "$name"; fi
}

cat >pairs.jsonl <<'EOF'
{"prompt": "Say something.", "chosen": "A fine answer.", "rejected": "Another answer."}
{"prompt": "Say more.", "chosen": "Much more.", "rejected": "No."}
{"prompt": "Say less.", "chosen": "Less.", "rejected": "No less."}
{"prompt": "A row without answers."}
EOF
lines "a data set" <<'EOF'
data pairs.jsonl
down
3
find more
9
filter chosen:fine
next-pane
next-pane
quit
EOF
says '^pairs\.jsonl: preference pairs.*3 rows to learn from, 1 refused\.$' "what it is"
says '^Row 1 of 3\.$' "the first row"
says '^prompt, 14 characters: Say something\.$' "its prompt"
says '^rejected, 15 characters: Another answer\.$' "its answers"
says '^Row 3 of 3\.$' "a row by its number"
says '^Row 9 is not among the 3' "one that is not there"
says '^chosen, 10 characters: Much more\.$' "a row that is found"
says '^Filter chosen:fine: 1 of 3 rows pass' "what a filter leaves"
says 'Which answer is longer' "the set in numbers"
says 'line 4: ' "what is refused, and why"

cp -r "$demo" other
lines "two models" <<EOF
compare-page
compare $demo other
length 12
ask Once upon a time there was a fox.
temperature 1.5
2
wins
wins
8
quit
EOF
says '^No models yet: ' "none at first"
says '^Prompt: Once upon a time there was a fox\.$' "what was asked"
says '^A [a-z]+, 12 tokens: ' "a whole answer"
says '^B other, 12 tokens: ' "and the other"
says '^(Saved: A is better|Both answers are the same text)' "a vote by its digit"
never '[|+]--' "no frames"

lines "the form" <<EOF
new
find beta
edit beta 7e9
edit beta 0.3
edit model $demo
edit data $work/pairs.jsonl
plan
edit allow-refused yes
plan
quit
EOF
says '^objective: dpo\.' "its fields"
says '^beta: 0\.1\.$' "the field that was looked for"
says '^beta: 0\.3, as you gave it\.$' "a value that was given"
says '^beta: .*7' "one that cannot be is refused"
says '^It could not be started: 1 of 4 rows' "a dry run that ends"
says '^ok +model, data' "the dry run"
never '^\+--' "no frames there either"

"$attune" train --objective dpo --model "$demo" --data "$work/pairs.jsonl" --allow-refused --eval-share 0 --steps 2 \
    --batch-size 1 --threads 1 --name one >"$work/out" 2>"$work/err"
lines "samples" <<'EOF'
open one
samples
last
quit
EOF
says '^Sample 1 of [0-9]+, step 2' "the newest sample"
says '^Sample ([0-9]+) of [0-9]+, step 0' "one that is gone to"
says '^Prompt: Say' "its prompt"
says '^Response: ' "its response"

"$attune" train --objective dpo --model "$demo" --data "$work/pairs.jsonl" --allow-refused --eval-share 0 --steps 2 \
    --batch-size 1 --threads 1 --name two >"$work/out" 2>"$work/err"
for i in one two; do
    "$attune" eval --run $i --data pairs.jsonl --rows 2 --samples 2 --max-tokens 20 >"$work/out" 2>"$work/err" ||
        not_ok "it is measured"
done
lines "evaluations" <<'EOF'
evaluations
1
right
down
sort length
5
quit
EOF
says '^2 evaluations of checkpoints, sorted by run' "how many"
[ "$(grep -c '^2 evaluations' "$work/out")" = 1 ] && ok "and once" || not_ok "and once"
says '^Evaluation 2 of 2, sorted by run: (one|two) step 2\.$' "the next one, of another run"
says '^[12]: one step 2, set 1: [a-z_/]+ [0-9.e-]+' "each, with the chosen measure"
says '^Evaluation 1 of 2, sorted by length: (one|two) step 2\.$' "one by its number, as they are sorted"
says '^All of it: .*length [0-9.]+' "all that was measured of it"
says '^length, .*: [0-9.]+' "the chosen measure and what it means"
says '^one step 2, measured .*2 prompts, 2 answers to each' "and how it was"
says '^go: 5 is no line of this list, which has 2$' "one that is not there"
never '-----' "no frames on this page"

mkdir -p a/recipes
cat >a/recipes/mine.conf <<'EOF'
title = Two of mine
[inputs]
model =
data = pairs.jsonl
[first]
objective = dpo
model = $model
data = $data
EOF
echo 'colour = red' >a/recipes/damaged.conf
lines "recipes" <<'EOF'
recipes
find mine
show
start
model=nowhere
find damaged
99
quit
EOF
says '^[0-9]+ recipes, experiments of several stages\.$' "how many there are"
says '^[0-9]+: demo-plane, The demo' "each with its title"
says '^[0-9]+: damaged, cannot be used: .*colour' "one that is damaged, and why"
says '^Recipe [0-9]+ of [0-9]+, mine: Two of mine$' "the one that is found"
says '^Input model: must be given\.$' "what it must be told"
says '^Input data: pairs\.jsonl\.$' "what it has a default for"
says '^objective = dpo$' "its file"
says 'start with .*: model=nowhere$' "its question"
says '^go: 99 is no line' "a recipe that is not there"
never '-----' "no frames with recipes"

# Lists to choose from: few are said at once, many when they are asked for, and a number stands for one of them.
lines "lists to choose from" <<EOF
open ?
open one
metric
?
quux
metric loss
1
x ?
guides ?
runs
columns
?
objective
compare-page
side
1
side
?
other
runs
new
edit objective ?
edit
beta 0.25
save-preset mine
edit beta 0.5
preset
1
edit
?
beta 0.5
quit
EOF
says '^one, dpo$' "runs"
says '^There are [0-9]+ to choose from: "\?" says them\.$' "that there are many"
says '^[0-9]+: rewards/margins$' "metrics"
says 'No chart shows quux' "an answer that is none of them"
says '^Chart [0-9]+ of [0-9]+, loss\.$' "the chart that is gone to"
says '^(train|loss): [0-9.]+ at step 2; in the window least [0-9.]+, most [0-9.]+\.$' "its value"
says '^(train|loss): [0-9.]+ at step 1; in' "and that of a step"
never 'METRIC' "nothing that only stands for something"
says '^lines$' "choices of a command"
says '^beta, setting$' "columns and what they are"
says '^[0-9]: one@2, ' "checkpoints"
says '^[0-9]+: .*models/demo, base model$' "and what they began from"
says '^A two@2' "a number takes one"
says '^B other' "what is not on the list can be typed"
says '^dpo, Direct' "objectives with their titles"
says '^beta: 0\.25, as you gave it\.$' "a field by a question"
says '^The form has the preset mine' "a preset by its number"
says '^beta, 0\.25$' "fields with their values"
exit $bad
