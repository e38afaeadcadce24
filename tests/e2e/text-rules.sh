#!/bin/sh
# What a run is asked later is what it was trained on: for every kind of objective and many templates, `attune score
# --run` of the held-out rows gives the numbers of the run's own last evaluation.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
data=$(CDPATH='' cd "$source/tests/data" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
share=$(CDPATH='' cd "${ATTUNE_SHARE:-$source/share/attune}" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work" || exit 1
no() { printf 'not ok %s: %s\n' "$1" "$2"; bad=1; }
near() { if awk -v a="$2" -v b="$3" \
    'BEGIN { d = a - b; m = a < 0 ? -a : a; exit !(a != "" && b != "" && d <= 1e-6 * (1 + m) && d >= -1e-6 * (1 + m)) }'; then ok "$1"; else no "$1" "evaluated $2, scored $3"; fi; }

common="--steps 2 --batch-size 4 --probe-every 0 --threads 1 --lr 1e-3 --max-length 96 --max-prompt-length 64"
# trained NAME OPTION...: a run
trained() {
    name=$1
    shift
    timeout 100 "$attune" train --name "$name" $common "$@" >out 2>err </dev/null || no "train $name" "$(cat err)"
}
# evaluated NAME METRIC: its last value
evaluated() { "$attune" show "$1" --metrics "$2" | tail -n 1 | cut -f 2; }
# mean FILE KEY WHICH: over the rows that score printed, of the first (1) or second (0) response
mean() { grep "\"$2\"" "$1" | awk -v w="$3" -F '[:,]' 'NR % 2 == w { s += $2; n++ } END { printf "%.9f", s / n }'; }
# compared NAME METRIC KEY WHICH FILE [MODEL-OPTION...]
compared() {
    timeout 100 "$attune" score --run "$1" "$5" --json >scores 2>err </dev/null || no "score $1" "$(cat err)"
    near "$1: $2" "$(evaluated "$1" "$2")" "$(mean scores "$3" "$4")"
}

"$attune" demo pairs --n 24 --seed 3 --out train.jsonl >out 2>&1 &&
    "$attune" demo pairs --n 10 --seed 9 --out held.jsonl >out 2>&1
for objective in dpo simpo orpo kto rm rm-token; do
    trained "$objective" --objective "$objective" --model models/demo --data train.jsonl --eval-data held.jsonl
    case $objective in
    rm*) compared "$objective" eval/rewards/chosen score 1 held.jsonl ;;
    *) compared "$objective" eval/logps/chosen logp 1 held.jsonl
        near "$objective: eval/logps/rejected" "$(evaluated "$objective" eval/logps/rejected)" "$(mean scores logp 0)" ;;
    esac
done
# A row that does not fit is shortened as the run would, and says so.
{ echo '{"prompt": "Hi", "chosen": "Yes.", "rejected": "No."}'
    printf '{"prompt": "Hi", "chosen": "%s", "rejected": "No."}\n' "$(yes 'all the way' | head -n 60 | tr '\n' ' ')"
    } >long.jsonl
marks=$(timeout 100 "$attune" score --run dpo long.jsonl --json 2>err | grep -o '"shortened": [a-z]*' | tr '\n' ' ')
if [ "$marks" = '"shortened": false "shortened": true ' ] && grep -q '1 row is shortened' err
    then ok "shortened rows are marked"; else no "shortened rows" "$marks, $(cat err)"; fi
trained sft --objective sft --model models/demo --data train.jsonl --eval-data held.jsonl
timeout 100 "$attune" score --run sft held.jsonl --json >scores 2>err
near "sft: eval/loss" "$(evaluated sft eval/loss)" "$(grep -E '"(logp|n_tokens)"' scores | awk -F '[:,]' \
    '/logp/ { k++; l = $2 } /n_tokens/ && k % 2 { s -= l; n += $2 } END { printf "%.9f", s / n }')"

# Lists and conversations under templates of all kinds, also the tokenizer's own.
lists=$data/layouts/rewardbench-2.jsonl
sed 's/What is ice/What is snow/' "$lists" | cat "$lists" - >lists.jsonl
trained lists --objective lipo-lambda --model models/demo --data lists.jsonl --eval-data lists.jsonl
compared_lists=$(timeout 100 "$attune" score --run lists lists.jsonl --json | grep '"logp"' | awk -F '[:,]' 'NR % 3 == 1 { s += $2; n++ } END { printf "%.9f", s / n }')
near "lists: eval/logps/chosen" "$(evaluated lists eval/logps/chosen)" "$compared_lists"

cat >talks.jsonl <<'END'
{"chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Who is there?"}, {"role": "assistant", "content": "A fox, <|end|> said the owl."}], "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Who is there?"}, {"role": "assistant", "content": "Nobody."}]}
{"chosen": [{"role": "user", "content": "What <|end|> now?"}, {"role": "assistant", "content": " We wait."}], "rejected": [{"role": "user", "content": "What <|end|> now?"}, {"role": "assistant", "content": "We go.\n"}]}
END
cp -r "$share/models/demo" own
cp "$share/templates/chatml.jinja" own/chat_template.jinja
for template in auto plain hh chatml llama-3 qwen3 mistral-v1 gemma zephyr alpaca; do
    trained "talk-$template" --objective dpo --model own --data talks.jsonl --eval-data talks.jsonl --chat-template "$template" \
        --system ""
    compared "talk-$template" eval/logps/chosen logp 1 talks.jsonl
done
# The model's folder may change, or the share's: the run has its own.
trained kept --objective dpo --model own --data talks.jsonl --eval-data talks.jsonl --system "Be kind."
echo '{{ "other" }}' >own/chat_template.jinja
compared kept eval/logps/chosen logp 1 talks.jsonl
# Plain strings for a model with a template are plain in training and stay so.
cp "$share/templates/chatml.jinja" own/chat_template.jinja
trained strings --objective dpo --model own --data train.jsonl --eval-data held.jsonl
compared strings eval/logps/chosen logp 1 held.jsonl
trained text --objective dpo --model own --data talks.jsonl --eval-data talks.jsonl --special-tokens text --chat-template hh
compared text eval/logps/chosen logp 1 talks.jsonl
# What is exported answers as the run does.
timeout 100 "$attune" export kept exported >out 2>err || no export "$(cat err)"
timeout 100 "$attune" score --model exported talks.jsonl --json >scores 2>err
near "exported: as the run" "$(evaluated kept eval/logps/chosen)" "$(mean scores logp 1)"
timeout 100 "$attune" export talk-hh named >out 2>err || no export "$(cat err)"
timeout 100 "$attune" score --model named talks.jsonl --json >scores 2>err
near "exported under another template: as the run" "$(evaluated talk-hh eval/logps/chosen)" "$(mean scores logp 1)"
if cmp -s named/chat_template.jinja "$share/templates/hh.jinja"; then ok "with that template for its tokenizer"; else no "with that template for its tokenizer" "$(ls named)"; fi
if grep -q '^\* Conversations: the chat template hh ' named/README.md; then ok "its card says so"; else no "its card says so" "$(cat named/README.md)"; fi
exit $bad
