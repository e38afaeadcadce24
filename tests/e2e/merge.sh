#!/bin/sh
# attune model merge with both real programs: two runs and an adapter over the demo's model become one, reports as JSON
# and as
# a table, and what cannot be merged is refused before anything is written.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.}
source_share=$(CDPATH='' cd "${ATTUNE_SRCDIR:-.}/share/attune" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work"
cd "$work"
# refuses STATUS PATTERN NAME COMMAND...
refuses() {
    want=$1 pattern=$2 name=$3
    shift 3
    "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" = "$want" ] && grep -q -- "$pattern" "$work/err" && [ ! -e "$work/no" ] && [ ! -e "$work/no.tmp" ]; then
        printf 'ok %s\n' "$name"
    else
        printf 'not ok %s: status %s\n' "$name" "$got"
        sed 's/^/    /' "$work/err"
        bad=1
    fi
}

common="--model models/demo --data demo/pairs.jsonl --max-rows 40 --batch-size 4 --probe-every 0 --eval-every 0 --threads 1 --steps 2"
check "a whole model" "$attune" train --objective sft --name sft $common --json
check "another one" "$attune" train --objective dpo --name dpo $common --json
check "an adapter" "$attune" train --objective dpo --name lora $common --lora-rank 2 --json
check "ties of two runs" "$attune" model merge sft dpo --base models/demo --out ties --density 0.5 --json
is "its method" ties "$("$get" method <"$work/out")"
is "two inputs are reported" 2 "$("$get" inputs length <"$work/out")"
sparsity=$("$get" result sparsity <"$work/out")
case $sparsity in 0.*) echo "ok the result is sparse in part" ;; *) echo "not ok sparsity $sparsity"; bad=1 ;; esac
check "the result is a model" "$attune" model show ties --json
is "of the base's architecture" llama "$("$get" architecture family <"$work/out")"
check "it answers" "$attune" sample --model ties --max-tokens 4 "Once"
check "dare-ties with an adapter" "$attune" model merge sft@2 lora dpo --base models/demo --out dare \
    --method dare-ties --drop 0.25
grep -q conflicts "$work/out" && echo "ok as a table" || { echo "not ok as a table"; bad=1; }
check "the same again" "$attune" model merge sft@2 lora dpo --base models/demo --out dare2 --method dare-ties --drop 0.25
is "a seed gives one result" "$(cksum <dare/model.safetensors)" "$(cksum <dare2/model.safetensors)"
check "an adapter names its base" "$attune" model merge lora --out whole --method linear
check "a whole model of one" "$attune" model merge sft --base models/demo --out same --method linear --dtype f32
check "the same, exported" "$attune" export sft exported
check "they answer alike" "$attune" sample --model same --max-tokens 8 --seed 2 --json "Once there was"
first=$("$get" 0 text <"$work/out")
check "both" "$attune" sample --model exported --max-tokens 8 --seed 2 --json "Once there was"
is "word for word" "$first" "$("$get" 0 text <"$work/out")"

refuses 2 'base is missing' "no base" "$attune" model merge sft dpo --out no
refuses 2 'exists already' "a folder that is there" "$attune" model merge sft --base models/demo --out ties
refuses 2 'density' "a density out of range" "$attune" model merge sft --base models/demo --out no --density 1.5
refuses 2 'density' "no density" "$attune" model merge sft --base models/demo --out no --density 0
refuses 2 'drop' "a drop rate of one" "$attune" model merge sft --base models/demo --out no --method dare-ties --drop 1
refuses 2 'weights' "too many weights" "$attune" model merge sft --base models/demo --out no --weights 1,2
refuses 2 'out' "no place for the result" "$attune" model merge sft --base models/demo
refuses 4 'no model folder' "a folder that is not there" "$attune" model merge ./none --base models/demo --out no
refuses 4 'run' "a run that is not there" "$attune" model merge none --base models/demo --out no
cp -r exported foreign
seq 1 200 >words
check "a tokenizer of its own" "$build/attune-engine" tokenizer-train --text "$work/words" --out foreign --vocab-size 264
refuses 2 'vocabularies' "another vocabulary" "$attune" model merge foreign --base models/demo --out no

# Another tokenizer for what is written: its files are taken, and must fit.
mkdir other small
cp "$source_share/models/demo/"*token* other
sed 's/"tokenizer_class": "[^"]*"/"tokenizer_class": "PreTrainedTokenizerFast", "note": "ours"/' \
    other/tokenizer_config.json >config && mv config other/tokenizer_config.json
check "export with a tokenizer" "$attune" export "$source_share/models/demo" exported-other --tokenizer other
check "has its files" cmp other/tokenizer_config.json exported-other/tokenizer_config.json
check "merge with a tokenizer" "$attune" model merge exported-other --base "$source_share/models/demo" \
    --out merged-other --tokenizer other
check "has them as well" cmp other/tokenizer_config.json merged-other/tokenizer_config.json
if "$attune" export "$source_share/models/demo" never --tokenizer small >out 2>err; then bad=1; fi
is "a folder without a tokenizer" 1 "$(grep -c 'small' err)"
is "writes nothing" 0 "$(ls -d never 2>/dev/null | wc -l)"
exit $bad
