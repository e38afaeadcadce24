// Which style a text has, and what is true about the styles.
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "demo/demo.h"

// People prefer cozy to adventure 60 to 40, and adventure to song 2 to 1. The corpus leans 85 to 15 from cozy to
// adventure, beside 4 % of songs: habit and preference differ.
const struct demo_style demo_styles[DEMO_N_STYLES] = {
    [DEMO_COZY] = {"cozy", "they come home, where it is warm", 0.816, 0.40546510810816438},              // ln 1.5
    [DEMO_ADVENTURE] = {"adventure", "they set out again, to see more of the world", 0.144, 0.0},
    [DEMO_SONG] = {"song", "they sing and dance together", 0.04, -0.69314718055994531},                  // ln 0.5
};

// Words (and word groups) that endings of one style use, and neither the stories before nor other endings do.
static const char *const words_of[DEMO_N_STYLES][24] = {
    [DEMO_COZY] = {"home", "warm", "cozy", "blanket", "fire", "bed", "asleep", "kettle", "supper", "soup", "pillow",
                   "sleepy", "slept"},
    [DEMO_ADVENTURE] = {"set out", "set off", "off they went", "away they went", "journey", "road", "adventure",
                        "adventures", "horizon", "far hills", "mountains", "packed", "map", "explore", "the wide world",
                        "sail", "sailed"},
    [DEMO_SONG] = {"song", "songs", "sang", "sing", "singing", "hum", "hummed", "humming", "tune", "danced", "dance",
                   "melody"},
};

static bool word_at(const char *text, size_t n, size_t at, const char *word)
{
    if (tolower((unsigned char)text[at]) != word[0])
        return false;
    size_t length = strlen(word);
    if (length > n - at)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (tolower((unsigned char)text[at + i]) != word[i])
            return false;
    }
    return at + length == n || !isalpha((unsigned char)text[at + length]);
}

int demo_style(const char *text, size_t n)
{
    int hits[DEMO_N_STYLES] = {0};
    for (size_t at = 0; at < n; at++) {
        if (at > 0 && isalpha((unsigned char)text[at - 1]))
            continue; // words are looked for where words begin
        for (int s = 0; s < DEMO_N_STYLES; s++) {
            for (int w = 0; words_of[s][w]; w++)
                hits[s] += word_at(text, n, at, words_of[s][w]);
        }
    }
    int best = 0;
    bool alone = true;
    for (int s = 1; s < DEMO_N_STYLES; s++) {
        if (hits[s] == hits[best])
            alone = false;
        if (hits[s] > hits[best]) {
            best = s;
            alone = true;
        }
    }
    return hits[best] && alone ? best : DEMO_NO_STYLE;
}

double demo_preference(int a, int b)
{
    return 1 / (1 + exp(demo_styles[b].utility - demo_styles[a].utility));
}

// share^habit * exp(utility * scale), normalised. The largest exponent is taken out first, so small betas are safe.
static void tilted_shares(double habit, double scale, double shares[DEMO_N_STYLES])
{
    double logs[DEMO_N_STYLES], largest = -INFINITY, sum = 0;
    for (int s = 0; s < DEMO_N_STYLES; s++) {
        logs[s] = habit * log(demo_styles[s].share) + scale * demo_styles[s].utility;
        largest = fmax(largest, logs[s]);
    }
    for (int s = 0; s < DEMO_N_STYLES; s++)
        sum += shares[s] = exp(logs[s] - largest);
    for (int s = 0; s < DEMO_N_STYLES; s++)
        shares[s] /= sum;
}

void demo_shares_reference(double shares[DEMO_N_STYLES])
{
    tilted_shares(1, 0, shares);
}

void demo_shares_kl(double beta, double shares[DEMO_N_STYLES])
{
    tilted_shares(1, 1 / beta, shares);
}

void demo_shares_plane(double alpha, double beta, double shares[DEMO_N_STYLES])
{
    tilted_shares(beta / alpha, 1 / alpha, shares);
}

void demo_shares_matching(double shares[DEMO_N_STYLES])
{
    tilted_shares(0, 1, shares);
}

static json_t *shares_json(const double shares[DEMO_N_STYLES])
{
    json_t *object = json_object();
    for (int s = 0; s < DEMO_N_STYLES; s++)
        json_object_set_new(object, demo_styles[s].name, json_real(shares[s]));
    return object;
}

json_t *demo_truth(void)
{
    static const double betas[] = {1.0, 0.5, 0.1};
    json_t *styles = json_array(), *optima = json_array();
    for (int s = 0; s < DEMO_N_STYLES; s++)
        json_array_append_new(styles, json_pack("{s:s, s:s, s:f, s:f}", "name", demo_styles[s].name, "summary",
                                                demo_styles[s].summary, "share", demo_styles[s].share, "utility",
                                                demo_styles[s].utility));
    double shares[DEMO_N_STYLES];
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++) {
        demo_shares_kl(betas[i], shares);
        json_array_append_new(optima, json_pack("{s:f, s:o}", "beta", betas[i], "shares", shares_json(shares)));
    }
    json_t *truth = json_object();
    json_object_set_new(truth, "styles", styles);
    json_object_set_new(truth, "preference_cozy_over_adventure",
                        json_real(demo_preference(DEMO_COZY, DEMO_ADVENTURE)));
    demo_shares_reference(shares);
    json_object_set_new(truth, "shares_reference", shares_json(shares));
    json_object_set_new(truth, "shares_kl_optimum", optima);
    demo_shares_matching(shares);
    json_object_set_new(truth, "shares_preference_matching", shares_json(shares));
    return truth;
}
