# Sampled stories (the engine's lines, JSON still escaped) into prompts of three sentences and the fourth as what
# follows. Prompts end in a new line: a model this small does not count sentences, and without a mark it takes the
# prompt's end for its own.
match($0, /"text":"([^"\\]|\\.)*"/) {
    rest = substr($0, RSTART + 8, RLENGTH - 9)
    n = 0
    while (n < 4 && match(rest, /[.!?](\\")?( |\\n)/)) {
        s[++n] = substr(rest, 1, RSTART + RLENGTH - (substr(rest, RSTART + RLENGTH - 1, 1) == " " ? 2 : 3))
        rest = substr(rest, RSTART + RLENGTH)
        while (sub(/^( |\\n)/, "", rest))
            ;
    }
    if (n < 4 || $0 ~ /\\u0000/)
        next
    prompt = "Once upon a time" s[1] " " s[2] " " s[3]
    words = split(s[4], w, " ")
    if (words >= 3 && words <= 24 && split(prompt, w, " ") <= 70 && !seen[prompt]++)
        printf "{\"prompt\": \"%s\\n\", \"completion\": \"%s\"}\n", prompt, s[4]
}
