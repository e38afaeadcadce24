# The table of stories-grid.sh, out of lines "before|cell BETA ALPHA SEED METRIC VALUE"; wants interval.awk before it.
$1 == "before" { before[$2, $5] = $6 }
$1 == "cell" { x[$2, $3, $4, $5] = $6 }
function over_seeds(beta, alpha, metric, decimals,   s, n, sum, squares, v) {
    for (s = 1; s <= seeds; s++) {
        v = x[beta, alpha, s, metric]
        n++; sum += v; squares += v * v
    }
    return cell(n, sum, squares, decimals)
}
# By how many percent a cell's divergence is below that of KL-bound RLHF with the same beta and seed.
function reduction(beta, alpha,   s, n, sum, squares, v, other) {
    for (s = 1; s <= seeds; s++) {
        other = x[beta, "kl", s, "pm_divergence"]
        v = 100 * (other - x[beta, alpha, s, "pm_divergence"]) / other
        n++; sum += v; squares += v * v
    }
    return cell(n, sum, squares, 1)
}
function row(beta, name, alpha) {
    printf "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", beta, name, over_seeds(beta, alpha, "pm_divergence", 3),
        alpha == "kl" ? "" : reduction(beta, alpha), over_seeds(beta, alpha, "length", 1),
        over_seeds(beta, alpha, "data/perplexity", 2), over_seeds(beta, alpha, "entropy", 2),
        over_seeds(beta, alpha, "kl/exact/token", 3), over_seeds(beta, alpha, "reward", 2)
}
END {
    print "| beta | alpha | PM divergence | below KL-RLHF, % | length | perplexity | entropy | KL | reward |"
    print "|---|---|---|---|---|---|---|---|---|"
    n_betas = split("0.1 0.5 1", betas, " ")
    for (i = 1; i <= n_betas; i++) {
        b = betas[i]
        printf "| %s | before | %.3f | | %.1f | %.2f | %.2f | 0 | %.2f |\n", b, before[b, "pm_divergence"],
            before[b, "length"], before[b, "data/perplexity"], before[b, "entropy"], before[b, "reward"]
        row(b, "KL-RLHF", "kl")
        row(b, "0.1", "0.1"); row(b, "0.3", "0.3"); row(b, "0.5", "0.5")
    }
    for (s = 1; s <= seeds; s++)
        if (!(x["0.1", "kl", s, "reward"] > before["0.1", "reward"])) {
            print "not ok: KL-bound RLHF has not raised the reward (seed " s "): the table says nothing"
            exit 1
        }
}
