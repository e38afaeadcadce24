#!/bin/sh
# What leaves the project, with both real programs: pictures, tables, TensorBoard's files, plots as text, and reports.
set -u
. "${ATTUNE_SRCDIR:-.}/tests/lib/e2e.sh"
build=${ATTUNE_BUILDDIR:-.} source=${ATTUNE_SRCDIR:-.}
build=$(CDPATH='' cd "$build" && pwd)
source=$(CDPATH='' cd "$source" && pwd)
attune=$build/attune get=$build/tests/lib/json_get
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset ATTUNE_ENGINE NO_COLOR COLUMNS
export ATTUNE_PROJECT="$work/p" HOME="$work" LC_ALL=C
cd "$work" || exit 1
has() { if grep -qF -- "$2" "$3"; then printf 'ok %s\n' "$1"; else printf 'not ok %s: no "%s"\n' "$1" "$2"; bad=1; fi; }
lacks() { if grep -qF -- "$2" "$3"; then printf 'not ok %s: "%s"\n' "$1" "$2"; bad=1; else printf 'ok %s\n' "$1"; fi; }
count() { grep -oF -- "$1" "$2" | wc -l; }

check "pairs" "$attune" demo pairs --n 60 --seed 9 --out tame.jsonl
# What people write may be markup, and a terminal's commands.
sed 's/"prompt": *"/&<script>alert(1)<\/script> \\u001b[2J /' tame.jsonl >pairs.jsonl
common="--data pairs.jsonl --batch-size 4 --eval-every 2 --probe-every 2 --probe-prompts 4 --threads 1 --eval-share 0.2"
check "a run" "$attune" train --objective dpo --name one --model models/demo $common --steps 4 --lr 1e-4 --json
check "a run that starts from it" "$attune" train --objective ipo --name two --model p/runs/one/checkpoints/step-4 \
    $common --steps 4 --lr 2e-4 --json
check "an evaluation" "$attune" eval --run one --rows 8

# ---- several runs as one line ----
check "a group as a picture" "$attune" export one two --svg group.svg --metrics loss,kl --group batch-size --x-scale log
is "a band in each chart" 2 "$(count '<polygon' group.svg)"
has "named" "batch-size 4 (n 2)" group.svg
check "differences as a picture" "$attune" export one two --svg minus.svg --metrics kl --minus one
has "of what" "kl minus a" minus.svg
check "each run alone" "$attune" export one two --svg each.svg --metrics loss,kl,accuracy --multiples
for run in one two; do
    is "three panels of $run" 3 "$(count ">$run: " each.svg)"
done
is "those of a metric on one scale" "" "$(grep -o 'text-anchor="end"[^>]*>[^<][^<]*</text>' each.svg | grep -v '>x ' | sed 's/.*y="//' | sort | uniq -c | awk '$1 % 2')"
check "each group alone" "$attune" export one two --svg groups.svg --metrics loss,kl --multiples --group lr
is "a panel for each value and metric" 4 "$(count '>lr ' groups.svg)"
has "named by the value" ">lr 0.0002, 1 run: kl<" groups.svg
check "runs as points" "$attune" export one two --svg scatter.svg --scatter lr,kl@max
has "whose" "kl@max by lr, 2 runs" scatter.svg
check "runs as boxes" "$attune" export one two --png boxes.png --box kl,lr --size 600x300
is "pixels" "PNG" "$(head -c 4 boxes.png | tail -c 3)"
check "runs as shades" "$attune" export one two --svg heat.svg --heat-map loss
has "over the steps" "steps 0 to " heat.svg
check "runs through axes" "$attune" export one two --svg parallel.svg --parallel objective,lr,kl@max
has "with names for values that are none" ">ipo</text>" parallel.svg
refuses 4 "has a setting shade" "boxes over nothing" "$attune" export one two --svg none.svg --box kl,shade
refuses 2 "exclude each other" "points and charts" "$attune" export one two --svg none.svg --scatter lr,kl --metrics kl
refuses 2 "choose one" "each alone and together" "$attune" export one two --svg none.svg --multiples --minus one
refuses 2 "needs several runs" "a group of one run" "$attune" export one --svg none.svg --group batch-size
[ ! -e none.svg ] || { echo "not ok a file of what failed"; bad=1; }

# ---- tables ----
check "all metrics" "$attune" export --csv all.csv
is "its head" "run,metric,step,value" "$(head -1 all.csv | tr -d '\r')"
is "a row a point" "$("$attune" show two --metrics loss | wc -l)" "$(grep -c '^two,loss,' all.csv)"
is "the same numbers" "$("$attune" show one --metrics loss | sed -n 2p)" \
    "$(awk -F, '$1 == "one" && $2 == "loss" && $3 == 2 { printf "%d\t%.9g", $3, $4 }' all.csv)"
check "wide, of one run" "$attune" export two --csv wide.csv --wide --metrics loss,kl
is "its head" "run,step,loss,kl" "$(head -1 wide.csv | tr -d '\r')"
is "a row a step" 0 "$(awk -F, 'NR > 1 && (seen[$2]++ || $1 != "two")' wide.csv | wc -l)"
"$attune" export one --jsonl - --what samples >samples.jsonl
is "samples as JSON" "one" "$(head -1 samples.jsonl | "$get" run)"
lacks "without a terminal's commands" "$(printf '\033')" samples.jsonl
has "but with what was written" '<script>alert(1)</script> \u001b[2J' samples.jsonl
is "rows are counted" "$(wc -l <samples.jsonl)" \
    "$("$attune" export one --jsonl s2.jsonl --what samples --json | "$get" 0 rows)"
check "evaluations" "$attune" export --csv evals.csv --what evaluations
has "with intervals" "run,step,prompts,seed,measure,value,low,high" evals.csv
refuses 4 'no metric "lss"' "a metric that nobody has" "$attune" export --csv no.csv --metrics lss
is "which leaves no file" "" "$(ls no.csv* 2>/dev/null)"
refuses 4 'there is no run "tow"' "a run that is not there" "$attune" export tow --csv no.csv
refuses 2 "a run and a folder" "a checkpoint's export without a folder" "$attune" export one

# ---- pictures ----
check "a picture" "$attune" export one two --svg both.svg --smooth 0.5
has "of both" ">two</text>" both.svg
is "again, the same bytes" "$(cksum <both.svg)" "$("$attune" export one two --svg - --smooth 0.5 | cksum)"
check "one metric of one run, as large as wanted" "$attune" export one --svg one.svg --metrics loss --size 300x200 \
    --theme dark --y log
has "its size" 'width="300" height="200"' one.svg
lacks "its ground is the one that was asked for" "prefers-color-scheme" one.svg
if grep -q '^#define HAVE_CAIRO' "$build/config.h"; then
    check "as pixels" "$attune" export one --png one.png --size 320x210
    is "its head" "137 80 78 71 13 10 26 10 0 0 0 13 73 72 68 82 0 0 1 64 0 0 0 210" \
        "$(od -An -tu1 -N24 one.png | tr -s ' \n' ' ' | sed 's/^ //; s/ $//')"
else
    refuses 1 "libcairo2-dev" "pixels, in a build that has no cairo" "$attune" export one --png one.png
fi
refuses 2 "pixels are wanted" "a picture without room" "$attune" export one --svg no.svg --size 20x20
refuses 4 'no metric "nix"' "a chart that nobody has" "$attune" export one --svg no.svg --metrics nix

# ---- TensorBoard ----
check "event files" "$attune" export --tensorboard logs
is "a folder a run" "one two" "$(ls logs | tr '\n' ' ' | sed 's/ $//')"
is "with a file each" 2 "$(find logs -name 'events.out.tfevents.*' | wc -l)"
check "once more" "$attune" export --tensorboard logs
is "which takes its own place" 2 "$(find logs -type f | wc -l)"

# ---- and back: the same numbers, settings and bytes ----
export ATTUNE_PROJECT="$work/q"
check "event files as runs" "$attune" import --tensorboard logs
is "the names of their folders" "one two" "$("$attune" runs --json | "$get" 0 name) $("$attune" runs --json | "$get" 1 name)"
"$attune" export one --csv - --project "$work/p" | awk -F, '{ printf "%s,%s,%s,%.5g\n", $1, $2, $3, $4 }' | sort >was.csv
"$attune" export one --csv - | awk -F, '{ printf "%s,%s,%s,%.5g\n", $1, $2, $3, $4 }' | sort >is.csv
is "all of them" "$(cksum <was.csv)" "$(cksum <is.csv)"
settings() { "$attune" runs --columns lr,batch-size,beta --json "$@" | "$get" 0 fields "$field"; }
for field in lr batch-size beta; do is "setting $field" "$(settings --project "$work/p")" "$(settings)"; done
check "a picture of it" "$attune" export one two --svg imported.svg --metrics loss
check "event files of the imported run" "$attune" export one --tensorboard logs2
check "imported once more" "$attune" import --tensorboard logs2/one --name again
"$attune" export again --csv - | sed 's/^again,/one,/' >again.csv
is "is the same to the last digit" "$("$attune" export one --csv - | cksum)" "$(cksum <again.csv)"
refuses 7 "there is a run one already" "a name that is taken" "$attune" import --tensorboard logs/one
refuses 2 "cannot all be called" "one name for two" "$attune" import --tensorboard logs --name both
mkdir bad half
refuses 4 "no event file" "a folder without any" "$attune" import --tensorboard bad
events=$(find logs/one -type f)
cp "$events" bad/ && cp "$events" half/
printf 'X' | dd of="bad/$(basename "$events")" bs=1 seek=900 conv=notrunc 2>/dev/null
refuses 3 "does not fit its checksum" "a changed byte" "$attune" import --tensorboard bad
size=$(($(wc -c <"$events") - 3))
dd if="$events" of="half/$(basename "$events")" bs=1 count=$size 2>/dev/null
truncate -s $size "half/$(basename "$events")"
refuses 3 "ends within the record" "a file that ends too early" "$attune" import --tensorboard half
is "nothing was made of these" 3 "$("$attune" runs --json | "$get" length)"
refuses 7 "is done" "there is nothing to go on with" "$attune" resume one
export ATTUNE_PROJECT="$work/p"

# ---- text ----
check "curves into a pipe" "$attune" show one two --plot --ascii --size 80x20 --metrics loss,kl
is "as many lines as wanted" 20 "$(wc -l <out)"
is "no line is too long" 0 "$(awk 'length($0) > 80' out | wc -l)"
has "with names" "one" out
check "one chart, as chart draws it" "$attune" show one --plot --ascii --metrics loss
cp out plotted
check "chart" "$attune" chart one loss --ascii
is "both are the same" "$(cksum <out)" "$(cksum <plotted)"
check "a mean of two steps to each side" "$attune" chart one loss --smooth mean:4 --json
for i in 0 1 2; do "$get" lines 0 points $i 1 <out; echo; done >three
is "of the first three points" 1 "$( (cat three; "$get" lines 0 smoothed 0 <out; echo) | awk 'NF {v[n++] = $1} END {d = (v[0] + v[1] + v[2]) / 3 - v[3]; print (n == 4 && d * d < 1e-10)}')"
check "a Gaussian" "$attune" chart one loss --smooth gaussian:2 --ascii
has "named" "Gaussian 2" out
refuses 2 "no number of steps" "a width that is none" "$attune" chart one loss --smooth mean:wide
refuses 2 "nor mean STEPS" "a weight that is none" "$attune" chart one loss --smooth 2
refuses 2 "only --plot takes several" "several runs without a plot" "$attune" show one two

# ---- from the console ----
check "files from the console" "$attune" -e \
    "open one; export plot console.svg; picture console.txt; write points.csv; export samples s3.jsonl; export tensorboard board"
check "a report from the console" "$attune" -e "open one; export report console.html"
has "the picture" ">train</text>" console.svg
has "the plot as text" "EMA 0.8" console.txt
is "a row a step" "run,step" "$(head -1 points.csv | cut -d, -f1,2)"
is "the same samples" "$(cksum <samples.jsonl)" "$(cksum <s3.jsonl)"
is "TensorBoard's folder" one "$(ls board)"
has "the report" "<h2>Settings</h2>" console.html
refuses 2 "ends in .svg, .png or .txt" "a picture of another kind" "$attune" -e "open one; picture x.gif"
refuses 2 "is not one of plot, points" "something else" "$attune" -e "open one; export nothing"

# ---- reports ----
check "a report" "$attune" report one two --out r.html
is "no markup from outside" 0 "$(count '<script' r.html)"
lacks "and no terminal's commands" "$(printf '\033')" r.html
has "but the text" "&lt;script&gt;alert(1)&lt;/script&gt;" r.html
has "nothing is loaded" "default-src 'none'" r.html
is "and nothing is pointed at" 0 "$(grep -cE '(src|href)=|url\(|@import' r.html)"
for tag in svg div table details h2 pre ul title; do
    is "every <$tag> ends" "$(grep -oE "<$tag[ >]" r.html | wc -l)" "$(count "</$tag>" r.html)"
done
has "where the second run comes from" "of the run one (dpo)" r.html
has "what differs" "settings differ" r.html
has "intervals" "<small>" r.html
"$attune" report one --out - --metrics loss >one.html
command=$(sed -n 's/^.*<pre>\(attune train.*\)<\/pre>.*$/\1/p' one.html | sed "s/&#39;/'/g; s/&quot;/\"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g")
check "its command" sh -c "$(printf '%s' "$command" | sed "s#^attune#\"$attune\"#") --name again"
is "does it again, bit for bit" "$("$attune" show one --metrics loss)" "$("$attune" show again --metrics loss)"
"$attune" show one --json >a.json
"$attune" show again --json >b.json
is "with the same settings" "$("$get" settings <a.json)" "$("$get" settings <b.json)"
exit $bad
