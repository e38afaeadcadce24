#include "config.h"

#include "train/run/run_cost.h"

#include <math.h>
#include <string.h>

#include "cpu/cpu.h"
#include "train/run/run_online.h"

// Rows that are learnt from, as far as they can be counted before.
static double rows_of(const struct settings *v, const struct preflight_seen *seen)
{
    double rows = (double)seen->n_examples;
    if (!*settings_text(v, "eval-data"))
        rows *= 1 - settings_float(v, "eval-share");
    return strcmp(settings_text(v, "part"), "all") == 0 ? rows : rows / 2;
}

int64_t cost_steps(const struct objective *o, const struct settings *v, const struct preflight_seen *seen)
{
    const int64_t given = settings_int(v, "steps"), batch = settings_int(v, "batch-size");
    if (given)
        return given;
    if (!seen->n_examples || seen->is_part)
        return 0;
    const double groups = rows_of(v, seen) * (seen->groups > 0 ? seen->groups : 1);
    const double steps = ceil(settings_float(v, "epochs") * groups / (double)batch);
    return (int64_t)fmax(steps, 1) * (o->online ? run_updates_of_a_batch(v) : 1);
}

double cost_tokens(const struct objective *o, const struct settings *v, const struct preflight_seen *seen, bool *at_most)
{
    const double batch = (double)settings_int(v, "batch-size");
    double one = seen->groups > 0 ? seen->tokens / seen->groups : 0;
    *at_most = one <= 0;
    if (one <= 0)
        one = 2 * (double)settings_int(v, "max-length"); // a pair
    if (o->online) {
        *at_most = true;
        one = (double)settings_int(v, "samples") *
              (fmin(one, (double)settings_int(v, "max-length")) + (double)settings_int(v, "max-new-tokens"));
        one /= (double)settings_int(v, "minibatches");
    }
    return batch * one;
}

// Operations of the large products: forward 2 a parameter and token, backward by activations 2, by weights 2.
double cost_seconds(const struct objective *o, const struct settings *v, const struct preflight_seen *seen, int64_t steps,
                    double gflops, bool *at_most)
{
    enum { EFFICIENCY = 2 }; // of what a lone matrix product reaches, training gets about half
    struct objective_run configured = {0};
    objective_configure(&configured, o, v);
    const struct needs needs = objective_needs(&configured);
    double each = settings_int(v, "lora-rank") > 0 || run_continues_adapter(v) ? 4 : 6;
    each += settings_bool(v, "recompute") ? 2 : 0;
    each += needs.networks & NETWORK_REFERENCE || needs.reads & READ_KL ? 2 : 0;
    each += needs.networks & NETWORK_VALUE ? 6 : 0;
    each += needs.batch_first ? 2 : 0;
    each += o->online ? 4 : 0; // sampled, and scored
    return (double)steps * cost_tokens(o, v, seen, at_most) * seen->params * each * EFFICIENCY / (gflops * 1e9);
}

double cost_machine_gflops(void)
{
    json_t *machine = cpu_doctor();
    const double gflops = json_number_value(json_object_get(json_object_get(machine, "gflops"), "sgemm_all"));
    json_decref(machine);
    return gflops;
}
