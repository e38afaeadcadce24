#!/bin/sh
# Every mutant's text stands exactly once in its file: who moves a line that a number depends on moves its mutant along.
# Whether
# tests see the fault is make check-mutants' business; this takes no building.
set -eu
cd "${ATTUNE_SRCDIR:-.}"
awk '
function judge(    at, rest) {
    n++
    if (!(file in texts)) {
        texts[file] = ""
        while ((getline line <file) > 0)
            texts[file] = texts[file] line "\n"
        close(file)
    }
    at = index(texts[file], text)
    rest = at ? substr(texts[file], at + length(text)) : ""
    if (!at || index(rest, text)) {
        printf "not ok %s of %s: its text stands %s in %s\n", name, FILENAME, at ? "more than once" : "nowhere", file
        bad = 1
    }
}
/^mutant / { name = substr($0, 8); file = text = "" }
/^file / { file = substr($0, 6) }
/^find / { text = text (text == "" ? "" : "\n") substr($0, 6) }
/^test / { judge() }
END { if (!bad) printf "ok %d mutants stand where they are\n", n; exit bad || n == 0 }' tests/mutants/*.txt
