# Where each cell's objective has its optimum, by weighing answers of the model that all start from. Three files, a line
# an answer: prompts in order (the rows that were scored), what the starting model says of each token, and the reward
# model's scores.
#   awk -f stories-limit.awk ROWS TOKENS SCORES
# Of an answer y with reward r the optimum is exp(r / beta) * prod ref(y_t) over tokens with ref(y_t) <= alpha; all of
# them with alpha 1, which is KL-bound RLHF. Its weight over the starting model is exp(r / beta) / prod ref(y_t) over
# the other tokens.
function softplus(z) { return z > 0 ? z + log(1 + exp(-z)) : log(1 + exp(z)) }
function sigmoid(z) { return z < -700 ? 0 : 1 / (1 + exp(-z)) }
function divergence(d, e) { return sigmoid(d) * (softplus(-e) - softplus(-d)) + sigmoid(-d) * (softplus(e) - softplus(d)) }
FNR == 1 { file++ }
file == 1 && match($0, /"prompt": "([^"\\]|\\.)*"/) {
    prompt = substr($0, RSTART, RLENGTH)
    if (prompt != last)
        first[++n_prompts] = FNR
    last = prompt
    first[n_prompts + 1] = FNR + 1
}
file == 2 {
    while (match($0, /",-[0-9.]+(e-?[0-9]+)?\]/)) {
        token[FNR, ++n_tokens[FNR]] = substr($0, RSTART + 2, RLENGTH - 3) + 0
        $0 = substr($0, RSTART + RLENGTH)
    }
}
file == 3 && match($0, /"score":-?[0-9.e-]+/) { score[FNR] = substr($0, RSTART + 8, RLENGTH - 8) + 0 }

function optimum(beta, alpha, name,   p, i, k, t, most, z, squares, num, den, pmd, reward, length_, share, e) {
    pmd = reward = length_ = share = 0
    for (i = 1; i < first[n_prompts + 1]; i++) {
        natural[i] = unlikely[i] = 0
        for (t = 1; t <= n_tokens[i]; t++)
            if (token[i, t] > log(alpha))
                natural[i] += token[i, t]
            else
                unlikely[i] += token[i, t]
        weight[i] = score[i] / beta - natural[i]
    }
    for (p = 1; p <= n_prompts; p++) {
        most = weight[first[p]]
        for (i = first[p]; i < first[p + 1]; i++)
            most = weight[i] > most ? weight[i] : most
        z = squares = num = den = 0
        for (i = first[p]; i < first[p + 1]; i++) {
            weight[i] = exp(weight[i] - most)
            z += weight[i]; squares += weight[i] * weight[i]
            for (k = first[p]; k < i; k++) {
                e = (score[i] - score[k]) / beta
                num += weight[i] * weight[k] * divergence(e + unlikely[i] - unlikely[k], e)
                den += weight[i] * weight[k]
            }
        }
        for (i = first[p]; i < first[p + 1]; i++) {
            reward += weight[i] / z * score[i] / n_prompts
            length_ += weight[i] / z * n_tokens[i] / n_prompts
        }
        pmd += (den > 0 ? num / den : 0) / n_prompts
        share += z * z / squares / (first[p + 1] - first[p]) / n_prompts
    }
    printf "| %s | %s | %.3f | %.2f | %.1f | %.0f %% |\n", beta, name, pmd, reward, length_, 100 * share
}
END {
    print "| beta | alpha | PM divergence | reward | length | effective share of the answers |"
    print "|---|---|---|---|---|---|"
    n_betas = split("0.1 0.5 1", betas, " ")
    for (b = 1; b <= n_betas; b++) {
        optimum(betas[b], 1, "KL-RLHF")
        optimum(betas[b], 0.1, "0.1"); optimum(betas[b], 0.3, "0.3"); optimum(betas[b], 0.5, "0.5")
    }
}
