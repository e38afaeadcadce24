# Answers of a model (the engine's lines, JSON still escaped) as rows to score; those that were cut off or are empty are
# left out.
function member(name) {
    if (!match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\""))
        return ""
    return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}
/"stopped":true/ && !/\\u0000/ && member("text") ~ /[^ ]/ {
    printf "{\"prompt\": \"%s\", \"completion\": \"%s\"}\n", member("asked"), member("text")
}
