# For awk programs that tell means over seeds: put this file first (awk -f interval.awk -f PROGRAM).

# The 97.5 % point of Student's t with n - 1 degrees of freedom.
function t_of(n,   t) {
    split("12.7062 4.3027 3.1824 2.7764 2.5706 2.4469 2.3646 2.3060 2.2622 2.2281 2.2010 2.1788 2.1604 2.1448 2.1314", t)
    return n - 1 <= 15 ? t[n - 1] : 2.1314
}
# Half of the 95 % interval of a mean, out of n values' sum and sum of squares; of a single value there is none.
function half_of(n, sum, squares,   variance) {
    variance = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0
    return n > 1 ? t_of(n) * sqrt((variance > 0 ? variance : 0) / n) : 0
}
# "0.52 ± 0.03", with so many decimals.
function cell(n, sum, squares, decimals) {
    if (n == 0)
        return "-"
    if (n == 1)
        return sprintf("%.*f", decimals, sum)
    return sprintf("%.*f ± %.*f", decimals, sum / n, decimals, half_of(n, sum, squares))
}
