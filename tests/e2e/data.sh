#!/bin/sh
# attune data and attune demo: what people see of their data, and the demo's texts.
set -u
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
attune=$(CDPATH='' cd "$build" && pwd)/attune get=$(CDPATH='' cd "$build" && pwd)/tests/lib/json_get
data=$(CDPATH='' cd "$source/tests/data/corpus" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_PROJECT
export NO_COLOR=1
cd "$work" || exit 1
bad=0

is() { # NAME WANT GOT
    if [ "$2" = "$3" ]; then printf 'ok %s\n' "$1"; else
        printf 'not ok %s\n    "%s", not "%s"\n' "$1" "$3" "$2"
        bad=1
    fi
}
says() { # NAME PATTERN FILE
    if grep -qE -- "$2" "$3"; then printf 'ok %s\n' "$1"; else
        printf 'not ok %s\n' "$1"
        sed 's/^/    /' "$3"
        bad=1
    fi
}

"$attune" data import "$data/hh.jsonl" >out 2>err
is "import succeeds with refused rows" 0 $?
says "the shape is said in words" '^preference pairs: HH transcripts' out
says "rows are counted" '^10 rows read, 2 examples, 8 rows refused$' out
says "a refused row has line and reason" '^  line 3: chosen and rejected are the same text$' out
is "every refused row is listed" 8 "$(grep -c '^  line ' out)"

printf '{"prompt": "a", "chosen": "b", "rejected": "c"}\n' >one.jsonl
"$attune" data import one.jsonl >out 2>err
says "one is one row" '^1 row read, 1 example, 0 rows refused$' out

"$attune" data import "$data/pairs.jsonl" --out clean.jsonl --json >out 2>err
is "rows in JSON" 16 "$("$get" rows <out)"
is "examples in JSON" 6 "$("$get" examples <out)"
is "refused line in JSON" 2 "$("$get" refused 0 line <out)"
"$attune" data import clean.jsonl --json >out 2>err
is "what --out wrote is read whole" 6 "$("$get" examples <out)"
"$attune" data import "$data/pairs.jsonl" --limit 1 --json >out 2>err
is "--limit bounds the rows" 1 "$("$get" rows <out)"

"$attune" data import "$data/shares.jsonl" --out shares.jsonl --json >out 2>err
is "ties are counted" 1 "$("$get" ties <out)"
is "split votes are counted" 2 "$("$get" split_votes <out)"
"$attune" data import shares.jsonl >out 2>err
says "shares of votes are written and read back" '^1 tie and 2 split votes' out

"$attune" data import "$data/ultrafeedback.jsonl" --pairs-from-lists all --out from-lists.jsonl >out 2>err
says "lists become pairs" '^preference pairs: .*as pairs' out
is "every two with different scores" 3 "$(grep -c chosen from-lists.jsonl)"
cat >divpo.jsonl <<'END'
{"prompt": "q", "completions": [{"response": "yes yes", "score": 9}, {"response": "certainly so", "score": 8}, {"response": "so what", "score": 3}, {"response": "no idea", "score": 2}]}
END
"$attune" data import divpo.jsonl --pairs-from-lists divpo --pairs-share 0.5 --out diverse.jsonl >out 2>err
says "a pair of a rare good answer" '"chosen": *"certainly so"' diverse.jsonl
says "and a common bad one" '"rejected": *"so what"' diverse.jsonl
"$attune" data import divpo.jsonl --pairs-from-lists divpo --out diverse.jsonl >out 2>err
says "from the ends alone" '"chosen": *"yes yes".*"rejected": *"no idea"' diverse.jsonl
"$attune" data show diverse.jsonl >out 2>err
says "which is shown as a pair" 'yes yes' out
"$attune" data import divpo.jsonl --pairs-from-lists divpo --pairs-share 0.6 >out 2>err
is "more than half is no end" 2 $?
"$attune" data import "$data/trees.jsonl" >out 2>err
says "lists are counted with their ties" '^2 lists of 2 responses: 2 pairs with an order, 0 ties' out
is "also in JSON" 3 "$("$attune" data import "$data/ultrafeedback.jsonl" --json | "$get" lists longest)"

"$attune" data show "$data/sharegpt.json" --row 2 >out 2>err
is "show succeeds" 0 $?
says "show has the line" '^row 2 of 3, line 7$' out
says "show has the system text" '^You are short\.$' out
"$attune" data show "$data/sharegpt.json" --row 9 >out 2>err
is "a row that is not there" 2 $?
says "says how many there are" 'has no row 9: 3 can be used' err
"$attune" data show "$data/sharegpt.json" 2 >out 2>err
is "a row by its number alone" 0 $?
"$attune" data import "$data/../layouts" >out 2>err
is "a folder" 0 $?
says "says of each file what it is" '^nectar.jsonl  *1  *0  ranked lists' out
"$attune" data import "$data/pairs.jsonl" >out 2>err
says "says which fields were read" '^  read  *prompt, chosen, rejected' out
printf '{"prompt": "\\u001b[31mred", "chosen": "a\\u0007", "rejected": "b"}\n' >escape.jsonl
"$attune" data show escape.jsonl >out 2>err
is "escape sequences of data do not reach the terminal" 0 "$(tr -cd '\033\007' <out | wc -c)"
printf 'hello\n' >bad.jsonl
"$attune" data import bad.jsonl >out 2>err
is "no data is an error" 1 "$([ $? -ne 0 ] && echo 1)"
says "the error names file and line" 'bad\.jsonl:1: not valid JSON' err
"$attune" data import missing.jsonl >out 2>err
says "a missing file is named" 'missing\.jsonl' err

# A folder: what each file in it is, also in folders inside; the shards of one data set are read as one.
mkdir -p all/inside shards
cp "$data/hh.jsonl" all/inside
echo '{"prompt": "a", "chosen": "b", "rejected": "c"}' | tee all/pairs.jsonl >shards/train-00000-of-00002.jsonl
cp all/pairs.jsonl shards/train-00001-of-00002.jsonl
touch all/LICENSE shards/README.md
"$attune" data import all >out 2>err
is "a folder is imported" 0 $?
says "a file inside" '^inside/hh\.jsonl .*preference pairs: HH transcripts' out
says "a file" '^pairs\.jsonl +1 +0  preference pairs: texts' out
says "what is no data is counted" '^1 other file is no data by its name' out
"$attune" data import shards >out 2>err
says "shards are one data set" '^2 rows read, 2 examples' out
cp shards/train-00000-of-00002.jsonl shards/test-00000-of-00001.jsonl
"$attune" data import shards >out 2>err
says "of several sets each is a line" '^train-\*-of-00002\*\.jsonl +2 +0  preference pairs' out
is "and no more, but for what is no data" 4 "$(grep -c . out | tr -d ' ')"
rm shards/train-00001-of-00002.jsonl
"$attune" data import shards >out 2>err
says "a missing shard is said" 'the shard train-00001-of-00002.jsonl is missing' out
mkdir none
"$attune" data import none >out 2>err
says "an empty folder" 'There are no data in none' out
mkdir odd
for part in 0 1; do
    { cat all/pairs.jsonl && echo '{"prompt": 1}'; } >"odd/$(printf '\033')[31m-0000$part-of-00002.jsonl"
done
"$attune" data import odd >out 2>err
says "the shard that a refused row is in" '^  .*\[31m-00000-of-00002\.jsonl, line 2: ' out
is "and no name reaches the terminal raw" 0 "$(grep -c "$(printf '\033')" out)"

"$attune" demo corpus --n 30 --seed 4 --out one.txt && "$attune" demo corpus --n 30 --seed 4 --out two.txt
is "the same seed writes the same stories" "$(cksum <one.txt)" "$(cksum <two.txt)"
"$attune" demo corpus --n 30 --seed 5 --out two.txt
is "another seed writes others" 1 "$(cmp -s one.txt two.txt; echo $?)"
is "every story has a style" 30 "$(grep . one.txt | "$attune" demo style | grep -cE '^(cozy|adventure|song)$')"
"$attune" demo pairs --n 25 --out pairs.jsonl
"$attune" data import pairs.jsonl --json >out 2>err
is "pairs load as data" 25 "$("$get" examples <out)"
"$attune" demo corpus --n 5 >out 2>err
is "without --out nothing is written" 2 $?
"$attune" demo truth --json >out 2>err
is "truth is JSON" cozy "$("$get" styles 0 name <out)"
"$attune" demo truth >out 2>err
says "matching arrives at 60 to 40" '^preference matching.* 60\.0 : 40\.0$' out
says "beta 0.1 arrives at 99.7 to 0.3" 'beta 0\.1.* 99\.7 : 0\.3$' out
exit $bad
