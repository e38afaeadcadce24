# The table of demo-truth.sh, out of lines "METHOD SEED METRIC VALUE"; wants interval.awk before it. Fails where README
# is wrong.
{ n[$1, $3]++; sum[$1, $3] += $4; squares[$1, $3] += $4 * $4 }
function of(method, metric, decimals,   f) {
    f = metric ~ /^style/ ? 100 : 1
    return cell(n[method, metric], f * sum[method, metric], f * f * squares[method, metric], decimals)
}
function mean(method, metric) { return sum[method, metric] / n[method, metric] }
function row(method) {
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", method, of(method, "style/cozy", 1),
        of(method, "style/adventure", 1), of(method, "style/song", 1), of(method, "style/none", 1),
        of(method, "pm_divergence", 3), of(method, "perplexity", 2), of(method, "data/perplexity", 2),
        of(method, "kl/exact", 2), of(method, "entropy", 2)
}
function demand(holds, what) {
    if (!holds) {
        print "not ok: " what
        bad = 1
    }
}
END {
    print "| | cozy, % | adventure, % | song, % | no style, % | PM divergence | perplexity | of the data |" \
          " KL, nats an answer | entropy, nats a token |"
    print "|---|---|---|---|---|---|---|---|---|---|"
    print "| people | 50.0 | 33.3 | 16.7 | | | | | | |"
    row("before")
    row("dpo"); row("ppo"); row("pm-rlhf"); row("conditional-pm-rlhf")
    demand(mean("ppo", "style/cozy") > 0.8, "KL-bound RLHF does not exaggerate")
    demand(mean("dpo", "style/cozy") > 0.8, "DPO does not exaggerate")
    c = "conditional-pm-rlhf"
    demand(mean(c, "style/cozy") > 0.35 && mean(c, "style/cozy") < 0.65, "cozy is not matched")
    demand(mean(c, "style/song") > 0.09 && mean(c, "style/song") < 0.25, "songs are not matched")
    demand(mean(c, "style/none") < 0.05, "conditional matching is not natural")
    demand(mean("pm-rlhf", "kl/exact") > 10 * mean(c, "kl/exact"), "pure matching stays natural")
    if (!bad)
        print "ok: what README says of the demo holds"
    exit bad
}
