# Answers of a model (the engine's lines, JSON still escaped), two to a prompt at a time, judged by a rule: what is
# joyful is liked three times as much, what has somebody speak twice as much, and twenty words more make it e times
# less. Which of two is chosen is drawn with the probability that Bradley and Terry give to these utilities (awk -v
# seed=1).
function utility(t,   w) {
    return log(3) * (tolower(t) ~ /happy|happily|smil|laugh|fun|love|play|hug|proud|excited|joy/) \
         + log(2) * (t ~ /\\"/) - split(t, w, " ") / 20
}
function uniform() { # Park and Miller 1988
    state = (state * 16807) % 2147483647
    return state / 2147483647
}
function member(name) {
    if (!match($0, "\"" name "\":\"([^\"\\\\]|\\\\.)*\""))
        return ""
    return substr($0, RSTART + length(name) + 4, RLENGTH - length(name) - 5)
}
BEGIN { state = seed * 1000003 % 2147483647 }
{
    asked = member("asked")
    text = /"stopped":true/ && !/\\u0000/ ? member("text") : ""
    if (asked != before) {
        before = asked
        other = text
        next
    }
    before = ""
    if (text == "" || other == "" || text == other)
        next
    gap = utility(text) - utility(other)
    first = uniform() < 1 / (1 + exp(-gap))
    printf "{\"prompt\": \"%s\", \"chosen\": \"%s\", \"rejected\": \"%s\", \"gap\": %.3f}\n", asked, first ? text : other,
        first ? other : text, first ? gap : -gap
}
