#include "config.h"

#include "stats/special.h"

#include <math.h>

#define LOG_SQRT_2PI 0.918938533204672741780329736406

// log Gamma(n+1) minus Stirling's formula for it.
static double stirling_error(double n)
{
    if (n < 16)
        return lgamma(n + 1) - (n + 0.5) * log(n) + n - LOG_SQRT_2PI;
    const double m = 1 / (n * n);
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188 - 691.0 / 360360 * m) * m) * m) * m) * m) / n;
}

// x log(x/m) + m - x, also where x and m are about the same.
static double deviance(double x, double m)
{
    if (fabs(x - m) < 0.1 * (x + m)) {
        const double v = (x - m) / (x + m);
        double sum = (x - m) * v, term = 2 * x * v;
        for (int j = 1; j < 1000; j++) {
            term *= v * v;
            const double next = sum + term / (2 * j + 1);
            if (next == sum)
                break;
            sum = next;
        }
        return sum;
    }
    return x * log(x / m) + m - x;
}

double binomial_density(double k, double n, double p)
{
    const double q = 1 - p;
    if (p <= 0)
        return k == 0;
    if (q <= 0)
        return k == n;
    if (k == 0)
        return exp(n * log1p(-p));
    if (k == n)
        return exp(n * log(p));
    const double log_core = stirling_error(n) - stirling_error(k) - stirling_error(n - k) - deviance(k, n * p) -
                            deviance(n - k, n * q);
    return exp(log_core) * sqrt(n / (2 * M_PI * k * (n - k)));
}

// The continued fraction; converges fast for x < (a+1)/(a+b+2).
static double fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1), f;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    f = d;
    for (int m = 1; m < 100000; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                     odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (int i = 0; i < 2; i++) {
            const double term = i ? odd : even;
            d = 1 + term * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + term / c;
            c = fabs(c) < tiny ? tiny : c;
            change *= c * d;
            f *= c * d;
        }
        if (fabs(change - 1) < 1e-15)
            break;
    }
    return f;
}

double beta_regularized(double x, double a, double b)
{
    if (!(x > 0))
        return 0;
    if (x >= 1)
        return 1;
    const double front = binomial_density(a, a + b, x) / (a + b); // x^a (1-x)^b / (a b B(a, b))
    return x < (a + 1) / (a + b + 2) ? front * b * fraction(x, a, b) : 1 - front * a * fraction(1 - x, b, a);
}

double normal_tail(double z)
{
    return 0.5 * erfc(z * M_SQRT1_2);
}

static double ratio(const double *up, const double *down, double r)
{
    double a = up[7], b = down[6];
    for (int i = 6; i >= 0; i--)
        a = a * r + up[i];
    for (int i = 5; i >= 0; i--)
        b = b * r + down[i];
    return a / (b * r + 1);
}

double normal_quantile(double p)
{
    static const double centre[8] = {3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427,
        13731.693765509461125, 45921.953931549871457, 67265.770927008700853, 33430.575583588128105,
        2509.0809287301226727};
    static const double centre_d[7] = {42.313330701600911252, 687.18700749205790830, 5394.1960214247511077,
        21213.794301586595867, 39307.895800092710610, 28729.085735721942674, 5226.4952788528545610};
    static const double near[8] = {1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550,
        3.64784832476320460504, 1.27045825245236838258, .241780725177450611770, .0227238449892691845833,
        7.74545014278341407640e-4};
    static const double near_d[7] = {2.05319162663775882187, 1.67638483018380384940, .689767334985100004550,
        .148103976427480074590, .0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9};
    static const double far[8] = {6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580,
        .296560571828504891230, .0265321895265761230930, .00124266094738807843860, 2.71155556874348757815e-5,
        2.01033439929228813265e-7};
    static const double far_d[7] = {.599832206555887937690, .136929880922735805310, .0148753612908506148525,
        7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
        2.04426310338993978564e-15};
    const double q = p - 0.5;
    if (!(p > 0) || !(p < 1))
        return p <= 0 ? -INFINITY : p >= 1 ? INFINITY : NAN;
    if (fabs(q) <= 0.425)
        return q * ratio(centre, centre_d, 0.180625 - q * q);
    const double r = sqrt(-log(q < 0 ? p : 1 - p)), z = r <= 5 ? ratio(near, near_d, r - 1.6) : ratio(far, far_d, r - 5);
    return q < 0 ? -z : z;
}

double student_two_sided(double t, double df)
{
    return isinf(df) ? 2 * normal_tail(fabs(t)) : beta_regularized(df / (df + t * t), df / 2, 0.5);
}

double student_quantile(double p, double df)
{
    if (p < 0.5)
        return -student_quantile(1 - p, df);
    if (isinf(df) || !(p < 1))
        return normal_quantile(p);
    double low = 0, high = 1;
    while (student_two_sided(high, df) / 2 > 1 - p)
        high *= 2;
    for (int i = 0; i < 200; i++) {
        const double middle = (low + high) / 2;
        if (middle <= low || middle >= high)
            break;
        *(student_two_sided(middle, df) / 2 > 1 - p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}
