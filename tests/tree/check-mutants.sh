#!/bin/sh
# Every mutant's text stands exactly once in its file, so who moves a line that a number depends on moves its mutant along;
# no mutant lacks a line, and none is what is there. Whether tests see the fault is make check-mutants' business; this takes
# no building.
set -eu
cd "${ATTUNE_SRCDIR:-.}"
awk '
function bad(what) {
    printf "not ok %s of %s: %s\n", name == "" ? "line " FNR : name, at == "" ? FILENAME : at, what
    n_bad++
}
function text_of(file,    line) {
    if (!(file in texts)) {
        texts[file] = ""
        while ((getline line <file) > 0)
            texts[file] = texts[file] line "\n"
        close(file)
    }
    return texts[file]
}
function judge_test(test,    colon, source, cases) {
    colon = index(test, ":")
    source = (colon ? substr(test, 1, colon - 1) : test) ".c"
    cases = colon ? substr(test, colon + 1) : ""
    sub(/\*$/, "", cases)
    if (text_of(source) == "")
        bad("there is no " source)
    else if (!index(texts[source], "(" cases))
        bad("no case of " source " begins with " cases)
}
function judge(    place) {
    n++
    place = text == "" ? 0 : index(text_of(file), text)
    if (!place)
        bad(file == "" ? "it has no line file" : "its text stands nowhere in " file)
    else if (index(substr(texts[file], place + length(text)), text))
        bad("its text stands more than once in " file)
    if (how == "")
        bad("it has no line put and no put-nothing")
    else if (how == "both")
        bad("it puts something and nothing")
    else if (put == text)
        bad("what it puts is what stands there")
}
function finish() {
    if (is_open)
        bad("it has no line test, so that it is never tried")
    is_open = 0
}
FNR == 1 { finish(); at = FILENAME; name = "" }
/^#/ || /^$/ { next }
/ $/ || !/ / && !/^put-nothing$/ { bad("\"" $0 "\" is empty or ends in a space") }
/^mutant / {
    finish()
    name = substr($0, 8)
    if (name in names)
        bad("there is another one of this name")
    names[name] = is_open = 1
    file = text = put = how = ""
    next
}
/^file / { file = substr($0, 6); next }
/^find / { text = text (text == "" ? "" : "\n") substr($0, 6); next }
/^put / { put = put (put == "" ? "" : "\n") substr($0, 5); how = how == "nothing" ? "both" : "text"; next }
/^put-nothing *$/ { how = how == "text" ? "both" : "nothing"; next }
/^test / {
    if (is_open)
        judge()
    else
        bad("a line test that belongs to no mutant")
    is_open = 0
    for (i = 2; i <= NF; i++)
        judge_test($i)
    next
}
/ / { bad("what is \"" $0 "\"?") }
END {
    finish()
    if (!n_bad)
        printf "ok %d mutants stand where they are\n", n
    exit n_bad > 0 || n == 0
}' tests/mutants/*.txt
