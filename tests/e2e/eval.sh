#!/bin/sh
# Evaluations with both real programs, against what `attune sample` and `attune score` say and sums made here.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
source=$(CDPATH='' cd "$source" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work" || exit 1
# near NAME WANT GOT BOUND
near() {
    if awk "BEGIN { d = $2 - ($3); exit !(d <= $4 && d >= -($4)) }" 2>/dev/null; then printf 'ok %s\n' "$1"; else
        printf 'not ok %s: "%s", not "%s"\n' "$1" "$3" "$2"
        bad=1
    fi
}
value() { "$get" measures "$1" value <eval; }

check "pairs" "$attune" demo pairs --n 60 --seed 9 --out pairs.jsonl
common="--model models/demo --data pairs.jsonl --batch-size 4 --eval-every 0 --probe-every 0 --threads 1 --eval-share 0.2"
check "a reward model" "$attune" train --objective rm --name judge $common --steps 4 --lr 1e-3 --json
check "a second one" "$attune" train --objective rm --name gold $common --steps 2 --lr 1e-3 --seed 2 --json
check "a run with two checkpoints" "$attune" train --objective dpo --name tuned $common --steps 4 --save-every 2 \
    --lr 1e-5 --beta 0.3 --json

few="--rows 5 --samples 3 --max-tokens 90"
check "it is measured" "$attune" eval --run tuned --reward-model judge --gold-model gold $few --styles --details --json
cp out eval
is "all answers are told, the reference's too" 30 "$("$get" answers length <eval)"
is "beta is the run's" 0.3 "$(printf '%.1f' "$("$get" how beta <eval)")"
is "the rows are those that it holds out" true "$("$get" of held_out <eval)"

# The same answers as `attune sample` gives to the same prompts, and the same scores as `attune score`.
i=0 n=0
: >rows.jsonl
: >numbers
: >prompts.txt
while [ $i -lt 15 ]; do
    line=$("$get" answers $i line <eval)
    sed -n "${line}p" pairs.jsonl >row
    [ "$("$get" answers $i sample <eval)" != 0 ] || "$get" prompt <row >>prompts.txt
    echo "$("$get" answers $i prompt <eval) $("$get" answers $i logp <eval) $("$get" answers $i reward <eval) $("$get" answers $i n_tokens <eval) \
$("$get" answers $i ref <eval) $("$get" answers $i stopped <eval)" >>numbers
    i=$((i + 1))
done
check "sampled by the other command" "$attune" sample --run tuned --prompts prompts.txt --samples 3 --max-tokens 90 \
    --seed 1 --json
cp out sampled
i=0
same=0
while [ $i -lt 15 ]; do
    [ "$("$get" $i text <sampled)" = "$("$get" answers $i text <eval)" ] && same=$((same + 1))
    i=$((i + 1))
done
is "every answer is the same" 15 $same
# A row for `attune score`, with the texts as JSON has them.
{ tr -d '\n' <sampled; echo; } | sed 's/} *, *{/}\
{/g' | sed -n 's/.*"asked": *\("\([^"\\]\|\\.\)*"\), *"text": *\("\([^"\\]\|\\.\)*"\).*/{"prompt": \1, "completion": \3}/p' >rows.jsonl
is "rows to score" 15 "$(wc -l <rows.jsonl | tr -d ' ')"
check "scored by the other command" "$attune" score --run judge rows.jsonl --json
cp out scored
i=0
: >both
while [ $i -lt 15 ]; do
    echo "$("$get" $i responses 0 n_tokens <scored) $("$get" $i responses 0 score <scored) $(sed -n "$((i + 1))p" numbers)" >>both
    i=$((i + 1))
done
# Only where text and answer are the same tokens: what was cut off gets an end when it is scored, and other cuts of
# words happen.
awk '$1 == $6 && $8 == "true" { n++; d = $2 - $5; if (d < 0) d = -d; if (d > 1e-4) far++ } END { exit !(n >= 3 && !far) }' both
is "the same scores where the tokens are the same" 0 $?

# Sums of the details.
near "the mean reward" "$(awk '{ s += $3 } END { printf "%.9f", s / NR }' numbers)" "$(value reward)" 1e-6
near "k1 of an answer" "$(awk '{ s += $2 - $5 } END { printf "%.9f", s / NR }' numbers)" "$(value kl/k1)" 1e-5
near "k1 of a token" "$(awk '{ s += $2 - $5; n += $4 } END { printf "%.9f", s / n }' numbers)" "$(value kl/k1/token)" 1e-6
near "perplexity" "$(awk '{ s += exp(-$2 / $4) } END { printf "%.9f", s / NR }' numbers)" "$(value perplexity)" 1e-5
near "length" "$(awk '{ s += $4 } END { printf "%.9f", s / NR }' numbers)" "$(value length)" 1e-6
cat >pm.awk <<'END'
function sp(z) { return z > 0 ? z + log(1 + exp(-z)) : log(1 + exp(z)) }
function sg(z) { return z < -700 ? 0 : 1 / (1 + exp(-z)) }
{ p[NR] = $1; l[NR] = $2; r[NR] = $3 }
END {
    for (i = 1; i <= NR; i++)
        for (k = i + 1; k <= NR; k++)
            if (p[i] == p[k]) {
                d = l[i] - l[k]; g = r[i] - r[k]; e = g / 0.3
                kl += sg(d) * (sp(-e) - sp(-d)) + sg(-d) * (sp(e) - sp(d))
                squares += (g - d) * (g - d)
                n++
            }
    printf "%.9f %.9f %d\n", kl / n, squares / n, n
}
END
awk -f pm.awk numbers >pm
is "pairs of answers" 15 "$(cut -d' ' -f 3 pm)"
near "the preference matching divergence" "$(cut -d' ' -f 1 pm)" "$(value pm_divergence)" 1e-6
near "and what the paper's code logs" "$(cut -d' ' -f 2 pm)" "$(value eval/pm)" 1e-2
# Wins: all nine pairs of each prompt, from the details.
i=15
: >theirs
while [ $i -lt 30 ]; do
    echo "$("$get" answers $i prompt <eval) $("$get" answers $i reward <eval)" >>theirs
    i=$((i + 1))
done
wins=$(awk 'FNR == NR { p[NR] = $1; r[NR] = $2; next } { for (i in p) if (p[i] == $1) { n++; s += $3 > r[i] ? 1 : $3 < r[i] ? 0 : 0.5 } } END { printf "%.9f", s / n }' theirs numbers)
near "the win rate" "$wins" "$(value win_rate)" 1e-6

# A model beside itself.
check "the reference itself" "$attune" eval --model models/demo --reference models/demo --data pairs.jsonl \
    --reward-model judge $few --json
cp out eval
near "is no distance away" 0 "$(value kl/exact)" 0
near "and wins as often as it loses" 0.5 "$(value win_rate)" 0
near "in both words of it" 0 "$(value kl/k1)" 0
check "the same once more" "$attune" eval --model models/demo --reference models/demo --data pairs.jsonl \
    --reward-model judge $few --json
if cmp -s out eval; then echo "ok the same numbers"; else echo "not ok the same numbers"; bad=1; fi
if [ -e "$source/share/attune/models/demo/eval.json" ]; then echo "not ok a model of ours keeps nothing"; bad=1
else echo "ok a model of ours keeps nothing"; fi

# What is kept.
check "measured again the same way" "$attune" eval --run tuned --reward-model judge --gold-model gold $few --styles --json
check "and another way" "$attune" eval --run tuned --checkpoint step-4 --reward-model judge $few --seed 2
check "listed" "$attune" eval --list tuned --json
is "one for each way" 2 "$("$get" length <out)"
is "of the newest checkpoint" 4 "$("$get" 1 step <out)"
check "the curve" "$attune" eval --run tuned --curve --reward-model judge --gold-model gold --rows 3 --max-tokens 20 --json
is "has both checkpoints" 2 "$("$get" length <out)"
is "in their order" 2 "$("$get" 0 step <out)"
check "for people" "$attune" eval --list tuned
if grep -q '^tuned  *2 .* 3x2, seed 1' out; then echo "ok listed for people"; else echo "not ok listed for people"
    cat out; bad=1; fi
# fits NAME COLUMNS: no line of the answer is longer
fits() {
    if awk -v most="$2" 'length > most { print; bad = 1 } END { exit bad }' out; then printf 'ok %s\n' "$1"; else
        printf 'not ok %s\n' "$1"
        bad=1
    fi
}
for columns in 40 80 140; do
    check "in $columns columns" env COLUMNS=$columns "$attune" eval --run tuned --reward-model judge --rows 2 \
        --max-tokens 10 --seed 3
    fits "no line is longer than $columns" $columns
    if tr -s ' \n' ' ' <out | grep -q 'against the reference.s answers, ties half'
        then echo "ok nothing is cut in $columns"; else
        echo "not ok nothing is cut in $columns"
        cat out
        bad=1
    fi
done
check "the run tells its evaluations" "$attune" show tuned --json
cp out shown
"$attune" eval --list tuned --json >listed
is "all of them" "$("$get" length <listed)" "$("$get" evaluations length <shown)"
is "with the same numbers" "$("$get" 1 measures reward value <listed)" "$("$get" evaluations 1 measures reward value <shown)"
check "for people, too" "$attune" show tuned
if sed -n '/^Evaluations/,$p' out | grep -q '^  *2  .* 3x2, seed 1'; then echo "ok under its checkpoints"; else
    echo "not ok under its checkpoints"
    cat out
    bad=1
fi
check "one that was not measured" "$attune" show gold
if grep -q Evaluations out; then echo "not ok says nothing of evaluations"; bad=1
else echo "ok says nothing of evaluations"; fi
cp p/runs/tuned/checkpoints/step-2/eval.json whole.json
echo '{"format": 1}' >p/runs/tuned/checkpoints/step-2/eval.json
check "a damaged file hides nothing else" "$attune" show tuned
if grep -q 'step-2/eval.json holds no evaluations' err && grep -q '^Evaluations' out; then echo "ok and is told"
else echo "not ok and is told"; bad=1; fi
refuses 3 "step-2/eval.json holds no evaluations: it is damaged; remove it" "a list with a damaged file" "$attune" \
    eval --list tuned
cp whole.json p/runs/tuned/checkpoints/step-2/eval.json

# The console's page, as a script sees it.
check "the console's page" "$attune" -e 'size 80x24; evaluations; snapshot -'
if grep -q '^  c tuned    4   1 ' out && grep -q 'REWARD' out; then echo "ok has the checkpoints"
else echo "not ok has the checkpoints"; cat out; bad=1; fi

# What is refused.
refuses 2 "is a reward model, which says nothing" "a policy that scores" "$attune" eval --run judge --data pairs.jsonl
refuses 2 "scores nothing" "a judge that does not" "$attune" eval --run tuned --reward-model tuned
refuses 2 "is a reward model: its tokens" "a reference that scores" "$attune" eval --run tuned --reference judge
for option in "--limit 3" "--map prompt=x" "--label-from safer"; do # of the run's own rows they would change nothing
    refuses 2 "is about a file that is given with --data" "$option of held-out rows" "$attune" eval --run tuned $option
done
refuses 2 "there are no prompts" "no prompts" "$attune" eval --model models/demo
refuses 4 "nowhere" "a run that is not there" "$attune" eval --list nowhere
refuses 2 "one word too many" "words" "$attune" eval tuned
refuses 2 "name it with --run NAME alone" "a curve of a model" "$attune" eval --model models/demo --curve
refuses 2 "give --json with it" "details for people" "$attune" eval --run tuned --details
cp -r p/runs/judge/checkpoints/step-4 other-words
sed -i 's/"A":/"%%":/; s/"B":/"A":/; s/"%%":/"B":/' other-words/tokenizer.json
refuses 2 "has another tokenizer than the model" "a judge of other words" "$attune" eval --run tuned \
    --reward-model other-words

# An end from outside leaves what was kept as it was.
cp p/runs/tuned/checkpoints/step-4/eval.json kept.json
timeout -s INT 2 "$attune" eval --run tuned --reward-model judge --rows 12 --samples 200 --max-tokens 2000 >out 2>err \
    </dev/null
is "it is ended" 124 $?
if cmp -s kept.json p/runs/tuned/checkpoints/step-4/eval.json && [ ! -e p/runs/tuned/checkpoints/step-4/eval.json.tmp ]; then
    echo "ok what was kept stays"
else
    echo "not ok what was kept stays"
    bad=1
fi
exit $bad
