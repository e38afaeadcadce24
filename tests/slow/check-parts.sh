#!/bin/sh
# The awk parts of the slow measurements, on numbers and texts whose answers are known.
set -u
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
bad=0
# is NAME WANT GOT
is() { if [ "$2" = "$3" ]; then printf 'ok %s\n' "$1"; else printf 'not ok %s: "%s", not "%s"\n' "$1" "$3" "$2"; bad=1; fi; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/show.awk" <<'END_AWK'
{ print cell($1, $2, $3, $4) }
END_AWK
# 1, 2, 3: mean 2, deviation 1, and 4.3027 / sqrt(3).
is "an interval of three" "2.000 ± 2.484" "$(echo 3 6 14 3 | awk -f "$here/interval.awk" -f "$work/show.awk")"
# 1, 2, 3, 4, 5: deviation 1.5811, and 2.7764 * 1.5811 / sqrt(5).
is "an interval of five" "3.000 ± 1.963" "$(echo 5 15 55 3 | awk -f "$here/interval.awk" -f "$work/show.awk")"
is "one value has none" "7.0" "$(echo 1 7 49 1 | awk -f "$here/interval.awk" -f "$work/show.awk")"

row='{"prompt":0,"text":", there was Ann. She said, \"Hi!\" Then she ran.\nThe dog was happy. The end.","stopped":true}'
is "a story becomes a prompt and what follows" \
    '{"prompt": "Once upon a time, there was Ann. She said, \"Hi!\" Then she ran.\n", "completion": "The dog was happy."}' \
    "$(printf '%s\n%s\n' "$row" "$row" | awk -f "$here/stories-rows.awk")"
is "a story that is cut has none" "" \
    "$(printf '%s\n' '{"text":" is. It was. It ran. And then"}' | awk -f "$here/stories-rows.awk")"

# Three times as much, and equally long: three of four are chosen.
awk 'BEGIN { for (i = 0; i < 8000; i++)
    printf "{\"asked\":\"p%d\",\"text\":\"it was %s\",\"stopped\":true}\n", int(i / 2), i % 2 ? "old" : "happy" }' \
    >"$work/answers"
awk -v seed=1 -f "$here/stories-pairs.awk" "$work/answers" >"$work/pairs"
is "all pairs are judged" 4000 "$(wc -l <"$work/pairs" | tr -d ' ')"
chosen=$(grep -c '"chosen": "it was happy", "rejected": "it was old", "gap": 1.099' "$work/pairs")
# Three deviations.
is "as often as the rule says" yes "$([ "$chosen" -gt 2918 ] && [ "$chosen" -lt 3082 ] && echo yes || echo "$chosen")"
is "two that do not end are no pair" "" "$(sed 's/true/false/' "$work/answers" | awk -v seed=1 -f "$here/stories-pairs.awk")"

# Two answers of one token each, -1 and -2, and equal rewards: held to the model, the one is e times as frequent as the
# other; where both are natural they are equally frequent, for which the answers at hand are worth (1 + 1 / e)^2 / (1 +
# 1 / e^2) / 2.
printf '{"prompt": "p", "completion": "x"}\n{"prompt": "p", "completion": "y"}\n' >"$work/rows"
printf '{"responses":[{"tokens":[["x",-1.0]]}]}\n{"responses":[{"tokens":[["\\"",-2e-0]]}]}\n' >"$work/tokens"
printf '{"responses":[{"score":0.5}]}\n{"responses":[{"score":0.5}]}\n' >"$work/scores"
awk -f "$here/stories-limit.awk" "$work/rows" "$work/tokens" "$work/scores" >"$work/limit"
is "the optimum of KL-bound RLHF" "| 1 | KL-RLHF | 0.111 | 0.50 | 1.0 | 100 % |" "$(grep '^| 1 | KL' "$work/limit")"
is "the optimum of preference matching" "| 1 | 0.1 | 0.000 | 0.50 | 1.0 | 82 % |" "$(grep '^| 1 | 0.1' "$work/limit")"
is "an answer that is cut off is not scored" '{"prompt": "p0", "completion": "it was happy"}' \
    "$(sed -n '1p;2s/true/false/p' "$work/answers" | awk -f "$here/stories-answers.awk")"

# A cell whose divergence is a tenth below, at each of two seeds.
for s in 1 2; do
    for b in 0.1 0.5 1; do
        for m in pm_divergence length data/perplexity entropy kl/exact/token reward; do
            echo "before $b - 0 $m 0.5"
            for a in 0.1 0.3 0.5; do echo "cell $b $a $s $m $s.8"; done
            echo "cell $b kl $s $m $s.$((8 + 2 * (2 - s)))"
        done
    done
done | sed 's/ 1\.10$/ 2/; s/ 2\.8$/ 2.7/; s/kl 2 \(.*\) 2\.7$/kl 2 \1 3/' >"$work/numbers"
is "a tenth less is a tenth less" "| 0.5 | 0.3 | 2.250 ± 5.718 | 10.0 ± 0.0 |" \
    "$(awk -v seeds=2 -f "$here/interval.awk" -f "$here/stories-table.awk" "$work/numbers" |
        grep '^| 0.5 | 0.3' | cut -d'|' -f 1-5 | sed 's/$/|/')"
is "no reward gained is said" "not ok" \
    "$(sed 's/^before \(.*\) 0\.5$/before \1 9/' "$work/numbers" |
        awk -v seeds=2 -f "$here/interval.awk" -f "$here/stories-table.awk" | grep -o 'not ok')"
exit $bad
