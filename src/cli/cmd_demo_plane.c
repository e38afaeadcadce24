// attune demo plane: how much is left of the minority, by what entropy and the reference are worth.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/look.h"
#include "cli/print.h"
#include "demo/demo.h"

static int run(int argc, char **argv);
static const struct param options[] = {{0}};

const struct command command_demo_plane = {
    .name = "demo plane",
    .synopsis = "attune demo plane [--json]",
    .summary = "Shows how much of the minority tuning keeps, over the plane of alpha and beta.",
    .help = "alpha is what entropy is worth, beta what agreement with the model as it was. On the diagonal, alpha = beta, "
            "lie KL-bound RLHF and DPO; at alpha 1 and beta 0 lies preference matching. Runs of this project on the demo's "
            "model stand below, with their place and what they came to: \"attune recipe run demo-plane\" makes some.",
    .options = options,
    .json = true,
    .run = run,
};

static const double alphas[] = {0.1, 0.2, 0.5, 1, 2}, betas[] = {0, 0.1, 0.2, 0.5, 1, 2};
enum { N_ALPHAS = sizeof alphas / sizeof *alphas, N_BETAS = sizeof betas / sizeof *betas };

static double minority(double alpha, double beta)
{
    double shares[DEMO_N_STYLES];
    demo_shares_plane(alpha, beta, shares);
    return 1 - shares[DEMO_COZY];
}

// ---- where runs stand in it ----

struct point {
    char *name, *objective;
    double alpha, beta, measured; // NaN: no probe yet
};

static double number(const json_t *settings, const char *key)
{
    const json_t *value = json_object_get(settings, key);
    return json_is_string(value)   ? strtod(json_string_value(value), NULL)
           : json_is_number(value) ? json_number_value(value)
                                   : NAN;
}

// False: an objective without a place in the plane.
static bool place(struct point *p, const struct run_info *run)
{
    static const char *const bound[] = {"dpo", "online-dpo", "ppo", "rloo", NULL}; // KL-bound: alpha = beta
    const double beta = number(run->settings, "beta");
    p->alpha = strcmp(run->objective, "spl") == 0 ? number(run->settings, "alpha") : beta;
    p->beta = strcmp(run->objective, "pm-rlhf") == 0 ? 0 : beta;
    bool known = strcmp(run->objective, "spl") == 0 || strcmp(run->objective, "pm-rlhf") == 0;
    for (int i = 0; bound[i] && !known; i++)
        known = strcmp(run->objective, bound[i]) == 0;
    return known && p->alpha > 0 && p->beta >= 0;
}

// The mean over the last three probes; NaN: it counts no styles.
static double last_of(const struct look *l)
{
    enum { LAST = 3 };
    struct metric_point *points = NULL;
    int64_t cursor = 0;
    int n = 0;
    double sum = 0;
    if (!l->reader || run_reader_points(l->reader, "minority/share", &cursor, &points, &n, NULL))
        return NAN;
    const int from = n > LAST ? n - LAST : 0;
    for (int i = from; i < n; i++)
        sum += points[i].value / (n - from);
    free(points);
    return n ? sum : NAN;
}

static int find_points(struct store *s, struct point **out, int *n_out, struct err *e)
{
    struct run_info *runs;
    int n;
    int code = store_runs(s, &runs, &n, e);
    if (code)
        return code;
    *out = mem_alloc((size_t)n + 1, sizeof **out);
    for (int i = 0; i < n && !code; i++) {
        struct look l;
        struct point p;
        if (!place(&p, &runs[i]))
            continue;
        code = look_open(&l, s, runs[i].name, e);
        if (code)
            break;
        p.measured = last_of(&l);
        look_close(&l);
        if (isnan(p.measured))
            continue;
        p.name = mem_strdup(runs[i].name);
        p.objective = mem_strdup(runs[i].objective);
        (*out)[(*n_out)++] = p;
    }
    run_infos_free(runs, n);
    return code;
}

// ---- out ----

static const char *corner(double alpha, double beta)
{
    return alpha == 1 && beta == 0 ? " PM" : alpha == beta ? " KL" : "";
}

static void print_plane(void)
{
    struct print_table t;
    char columns[N_ALPHAS + 2] = "l";
    double truth[DEMO_N_STYLES], reference[DEMO_N_STYLES];
    demo_shares_matching(truth);
    demo_shares_reference(reference);
    printf("The minority's share where tuning ends. People want %.0f %%; the model says %.0f %%.\n\n",
           100 * (1 - truth[DEMO_COZY]), 100 * (1 - reference[DEMO_COZY]));
    memset(columns + 1, 'r', N_ALPHAS);
    print_table_init(&t, columns);
    print_table_cell(&t, PRINT_DIM, "beta \\ alpha");
    for (int a = 0; a < N_ALPHAS; a++)
        print_table_cell(&t, PRINT_DIM, "%g   ", alphas[a]);
    for (int b = N_BETAS - 1; b >= 0; b--) {
        print_table_cell(&t, -1, "%g", betas[b]);
        for (int a = 0; a < N_ALPHAS; a++) {
            const char *mark = corner(alphas[a], betas[b]);
            print_table_cell(&t, *mark ? PRINT_BOLD : -1, "%.1f%%%-3s", 100 * minority(alphas[a], betas[b]), mark);
        }
    }
    print_table_end(&t, stdout, print_width(stdout));
    printf("\nKL: alpha = beta, KL-bound RLHF and DPO. PM: alpha 1, beta 0, preference matching.\n");
}

static void print_points(const struct point *points, int n)
{
    static const char *const titles[] = {"RUN", "OBJECTIVE", "ALPHA", "BETA", "ITS END", "MEASURED"};
    struct print_table t;
    if (n == 0)
        return;
    putchar('\n');
    print_table_init(&t, "llrrrr");
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        print_table_cell(&t, PRINT_DIM, "%s", titles[i]);
    for (int i = 0; i < n; i++) {
        const struct point *p = &points[i];
        print_table_cell(&t, -1, "%s", p->name);
        print_table_cell(&t, -1, "%s", p->objective);
        print_table_cell(&t, -1, "%g", p->alpha);
        print_table_cell(&t, -1, "%g", p->beta);
        print_table_cell(&t, -1, "%.1f%%", 100 * minority(p->alpha, p->beta));
        print_table_cell(&t, PRINT_BOLD, "%.1f%%", 100 * p->measured);
    }
    print_table_end(&t, stdout, print_width(stdout));
}

static json_t *plane_json(const struct point *points, int n)
{
    json_t *plane = json_array(), *runs = json_array();
    for (int b = 0; b < N_BETAS; b++)
        for (int a = 0; a < N_ALPHAS; a++)
            json_array_append_new(plane, json_pack("{s:f, s:f, s:f}", "alpha", alphas[a], "beta", betas[b], "minority",
                                                   minority(alphas[a], betas[b])));
    for (int i = 0; i < n; i++)
        json_array_append_new(runs,
                              json_pack("{s:s, s:s, s:f, s:f, s:f, s:f}", "run", points[i].name, "objective",
                                        points[i].objective, "alpha", points[i].alpha, "beta", points[i].beta, "end",
                                        minority(points[i].alpha, points[i].beta), "measured", points[i].measured));
    return json_pack("{s:o, s:o}", "plane", plane, "runs", runs);
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    struct store *s = NULL;
    struct point *points = NULL;
    int status = 0, n = 0;
    if (!args_open(&a, &command_demo_plane, argc, argv, 0, 0, &status))
        return status;
    int code = look_project(&a, false, &s, &e);
    if (code == ERR_NOT_FOUND) // the plane is there without a project
        code = 0;
    else if (!code)
        code = find_points(s, &points, &n, &e);
    if (code) {
        status = args_fail(&a, &e);
    } else if (args_json(&a)) {
        look_print_json(plane_json(points, n));
    } else {
        print_plane();
        print_points(points, n);
    }
    for (int i = 0; i < n; i++) {
        free(points[i].name);
        free(points[i].objective);
    }
    free(points);
    store_close(s);
    args_close(&a);
    return status;
}
