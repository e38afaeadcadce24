#!/bin/sh
# attune label stats, label wins and label export --soft with the real program: nothing judged, several judges, models
# that were
# named, names that nobody should trust, and training on shares.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
attune=$build/attune get=$build/tests/lib/json_get offer=$build/tests/tools/offer_pairs
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset NO_COLOR COLUMNS ATTUNE_ENGINE
export ATTUNE_PROJECT="$work/p" HOME="$work" USER=ann
cd "$work" || exit 1
# holds NAME PATTERN N: in N lines of out
holds() { is "$1" "$3" "$(grep -c -- "$2" out)"; }

"$offer" p r 12 || exit 1
run 0 "stats of nothing" "$attune" label stats
is "say so" 'Nobody has judged anything yet. "attune label --help" says how.' "$(cat out)"
run 0 "wins of nothing" "$attune" label wins r
is "say so, too" "No pair of answers by two different models has been judged yet in run r." "$(cat out)"
run 0 "as JSON" "$attune" label stats --json
is "there is nobody" 0 "$("$get" annotators length <out)"
run 4 "of a run that is not there" "$attune" label stats none
run 2 "of two runs" "$attune" label wins r r
run 2 "a level that is none" "$attune" label wins --level 1

# 40 prompts: new wins 30 and loses 5, 5 are ties; new is the pair's A in half of them. bob judges the first 20, and
# differs in 2.
awk 'BEGIN {
    for (i = 1; i <= 40; i++) {
        new_is_a = i % 2
        better = i <= 30 ? "new" : i <= 35 ? "old" : "tie"
        v = better == "tie" ? "tie" : (better == "new") == new_is_a ? "A" : "B"
        long = "a long answer " (i % 3 ? "indeed" : "")
        printf "{\"prompt\": \"q%d\", \"a\": \"%s\", \"b\": \"%s\", \"model\": \"%s\", \"model_b\": \"%s\", \"verdict\": \"%s\", " \
               "\"seconds\": %d, \"swapped\": %s, \"annotator\": \"ann\"}\n", i, new_is_a ? long : "short " i, new_is_a ? "short " i : long,
               new_is_a ? "new" : "old", new_is_a ? "old" : "new", v, i == 1 ? 100 : 20, i % 4 < 2 ? "true" : "false"
        if (i <= 20)
            printf "{\"prompt\": \"q%d\", \"a\": \"%s\", \"b\": \"%s\", \"verdict\": \"%s\", \"annotator\": \"bob\\u001b[31m\"}\n",
                   i, new_is_a ? long : "short " i, new_is_a ? "short " i : long, i <= 2 ? (v == "A" ? "B" : "A") : v
    }
}' >lines
run 0 "judgements with models" "$attune" label --stdin <lines
holds "are all saved" '"saved":true' 60
run 0 "stats" "$attune" label stats
is "count pairs and people" "40 pairs judged by 2 annotators (all runs, and pairs that were brought along)" \
    "$(head -n 1 out)"
holds "with idle time left out" '^ann  *40  *5  *0  *0  *180  *20.0 s  *1 ' 1
holds "no bytes of a name reach the terminal" "$(printf '\033')" 0
holds "it is shown as what it is" 'bob^\[\[31m' 4
holds "agreement of the two" '^ann  *bob.* 20  *90 %  *90 %' 1
run 0 "stats as JSON" "$attune" label stats --json
is "count as well" 40 "$("$get" annotators 0 answers <out)"
is "the same verdict" 18 "$("$get" together 0 same_verdict <out)"
is "on all" 20 "$("$get" all pairs <out)"
is "the least agreed upon first" 2 "$("$get" least_agreed 0 votes <out)"

run 0 "wins" "$attune" label wins
is "name the better one first" "new against old" "$(head -n 1 out)"
holds "count votes over prompts" '48 won, 5 ties, 7 lost, on 40 prompts' 1
holds "and decide" 'decided: new is better, after [0-9]* of 40 prompts' 1
run 0 "wins as JSON" "$attune" label wins --json
is "the rate" 0.84166666666666667 "$("$get" comparisons 0 win_rate <out)"
is "what is decided" new "$("$get" comparisons 0 sequential decided <out)"
is "the stronger first" new "$("$get" strengths 0 model <out)"
run 0 "wins of parts by length" "$attune" label wins --by length --slices 2
holds "say which lengths" '^    [0-9]* to [0-9]* .* votes on [0-9]* prompts' 2
run 0 "as JSON" "$attune" label wins --by length --slices 2 --json
is "those of two characters are a part" 9 "$("$get" comparisons 0 parts 0 prompts <out)"
is "the others the other" 31 "$("$get" comparisons 0 parts 1 prompts <out)"
awk 'BEGIN { for (i = 1; i <= 40; i++) if (i != 7) printf "{\"prompt\": \"q%d\", \"kind\": \"%s\", \"n\": %d}\n", i, i <= 30 ? "easy" : "hard", i }' >kinds.jsonl
run 0 "wins by a member of the rows" "$attune" label wins --by kind --data kinds.jsonl
holds "where new wins all" '^    easy  .* on 29 prompts' 1
holds "and where it wins none" '^    hard  .* 25\.0 %.* on 10 prompts' 1
run 3 "prompts that share no word" "$attune" label wins --by words
is "it says so" 1 "$(grep -c 'no word is shared' err)"
run 2 "a member without a file" "$attune" label wins --by kind
run 3 "a member that no row has" "$attune" label wins --by sort --data kinds.jsonl
printf '{"prompt": "other", "kind": "x"}\n' >others.jsonl
run 3 "a file of other prompts" "$attune" label wins --by kind --data others.jsonl
run 0 "wins of a run" "$attune" label wins r
holds "whose answers are all its own" 'No pair of answers by two different models' 1
printf '{"prompt": "x", "a": "y", "b": "z", "model_b": "m", "verdict": "A"}\n' | "$attune" label --stdin >out 2>err
is "one model of two" 3 $?
printf '{"pair": 1, "model": "m", "verdict": "A"}\n' | "$attune" label --stdin --run r >out 2>err
is "a model of a run's pair" 3 $?

run 0 "soft labels" "$attune" label export --all soft.jsonl --soft
is "of all but ties" "soft.jsonl: 35 pairs" "$(cat out)"
holds "are shares" '"share":0\.[5-9]' 0
is "above a half, and no votes" 35 "$(grep -c '"share":0\.[5-9][0-9]*,"' soft.jsonl)"
is "surer where two agree" 1 "$(grep -h '"prompt":"q\(3\|25\)"' soft.jsonl | sed 's/.*"share":\([0-9.]*\).*/\1/' | awk 'NR == 1 {two = $1} NR == 2 {print (two > $1)}')"
run 0 "shares are data" "$attune" data import soft.jsonl --json
is "all of them" 35 "$("$get" examples <out)"
run 0 "and train" "$attune" train --objective dpo --name soft --model models/demo --data soft.jsonl --steps 1 \
    --batch-size 2 \
    --probe-every 0 --eval-every 0 --threads 1 --json
# Three models: a beats b clearly and c just so; of foxes a wins all, of owls half.
export ATTUNE_PROJECT="$work/q"
awk 'BEGIN {
    for (i = 1; i <= 60; i++) {
        fox = i <= 30
        other = i % 3 ? "b" : "c"
        v = fox || i % 2 ? "A" : "B"
        printf "{\"prompt\": \"%s %d\", \"a\": \"x%d\", \"b\": \"y%d\", \"model\": \"a\", \"model_b\": \"%s\", \"verdict\": \"%s\"}\n",
               fox ? "Tell of a fox" : "Sing of an owl", i, i, i, other, other == "b" ? v : i % 6 && i != 3 ? "B" : "A"
    }
}' | "$attune" label --stdin >out 2>err
run 0 "wins of three" "$attune" label wins --by words --slices 3
holds "say what is asked next" '^Next: a against c, whose order is the least certain' 1
holds "and how clusters of prompts went" '^    "tell" ' 2
holds "those without a word of their own as well" '^    others ' 0
run 0 "wins of three as JSON" "$attune" label wins --json
is "least certain first" c "$("$get" next 0 b <out)"
awk 'BEGIN {
    for (i = 1; i <= 30; i++)
        printf "{\"prompt\": \"%s %d\", \"a\": \"x\", \"b\": \"y\", \"model\": \"m\", \"model_b\": \"n\", \"verdict\": \"A\"}\n",
               i % 2 ? "Tell of a \\u009b31mfox" : "Sing of an owl", i
}' | ATTUNE_PROJECT="$work/odd" "$attune" label --stdin >out 2>err
run 0 "wins by words that nobody should trust" env ATTUNE_PROJECT="$work/odd" "$attune" label wins --by words
holds "show the word" 'x9b31mfox' 1
is "and send no control character" 0 "$(LC_ALL=C grep -c "$(printf '\302\233')" out)"
run 0 "a table for programs" "$attune" label wins --plain
is "has tabs" 4 "$(grep '^MODEL' out | awk -F'\t' '{print NF}')"
exit $bad
