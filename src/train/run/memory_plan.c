#include "config.h"

#include "train/run/memory_plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/decoder.h"
#include "model/generate.h"
#include "model/model.h"
#include "model/packed_weights.h"
#include "model/quantized.h"
#include "model/tape.h"
#include "train/run/params.h"

static void add(struct memory_plan *p, const char *what, double bytes, bool mapped)
{
    if (bytes <= 0 || p->n == MEMORY_LINES)
        return;
    p->lines[p->n++] = (struct memory_line){what, bytes, mapped, false};
    *(mapped ? &p->mapped_bytes : &p->bytes) += bytes;
}

// What is taken for speed, on a CPU.
static void add_spare(struct memory_plan *p, const char *what, double bytes)
{
    if (bytes <= 0 || p->n == MEMORY_LINES || p->on_gpu)
        return;
    p->lines[p->n++] = (struct memory_line){what, bytes, false, true};
    p->spare_bytes += bytes;
}

// Of prompts and answers at their longest, where an update is made of all of a batch that its own weights have said
// (online/rollouts.c).
static double tape_bytes(const struct memory_facts *f, const struct objective *o, const struct settings *s)
{
    const double prompts = (double)settings_int(s, "batch-size"),
                 longest = fmin((double)settings_int(s, "max-prompt-length"), (double)settings_int(s, "max-length")),
                 said = prompts * (double)settings_int(s, "samples") * (double)settings_int(s, "max-new-tokens");
    if (f->bf16 || o->online->reference_says || settings_bool(s, "recompute") || settings_int(s, "rollout-ahead") > 0 ||
        settings_int(s, "minibatches") > 1)
        return 0;
    return tape_plan(&f->arch, said + prompts * longest, said + prompts);
}

double memory_of_adapter(const struct arch *a, int rank, const char *targets)
{
    unsigned kinds;
    if (rank <= 0 || lora_read_targets(a, targets, &kinds, NULL))
        return 0;
    return lora_n_params(a, rank, kinds);
}

static void add_trained(struct memory_plan *p, double params, bool rounded)
{
    add(p, "weights in f32", 4 * params, false);
    add(p, "weights rounded to bf16, to multiply with", rounded ? 2 * params : 0, false);
    add(p, "gradients", 4 * params, false);
    add(p, "AdamW's two moments", 8 * params, false);
}

// Weights that stay as they are: the file itself where its numbers are of a kind that is multiplied. quantized: linear
// layers are not; DTYPE_F32: none.
static void add_frozen(struct memory_plan *p, const struct memory_facts *f, enum dtype quantized, const char *mapped,
                       const char *own)
{
    const size_t all = (size_t)arch_n_params(&f->arch), linear = dtype_is_quantized(quantized) ? (size_t)arch_n_linear(&f->arch) : 0;
    const double params = (double)(all - linear);
    const bool copied = (f->bf16 && !f->is_bf16_file) || f->arch.family == ARCH_GPT2; // rounded, or laid out otherwise
    if (p->on_gpu && !copied)
        add(p, own, f->file_bytes * params / (double)all, false);
    else if (copied)
        add(p, own, params * (f->bf16 || f->is_bf16_file ? 2 : 4), false);
    else
        add(p, mapped, f->file_bytes * params / (double)all, true);
    if (linear)
        add(p, quantized == DTYPE_NF4 ? "linear layers in nf4" : "linear layers in int8", (double)quantized_bytes(quantized, linear), false);
}

// Rows of the largest micro-batch.
static int batch_rows(const struct memory_facts *f, const struct settings *s)
{
    const int tokens = (int)settings_int(s, "max-batch-tokens");
    return f->on_gpu ? decoder_most_rows(&f->arch, tokens) : tokens;
}

// Bytes in f32.
static double largest_tensor(const struct arch *a)
{
    const double embedding = (double)a->vocab_size * a->d_embed, wide = (double)a->d_ff * a->d_model;
    return 4 * (embedding > wide ? embedding : wide);
}

// What operations on a GPU need while they run: the library's workspace, two tiles of logits, and in bf16 the rounded
// rows that products share, of a layer's backward at most: wide ones, and in their memory or beside it what attention
// gives back. Nobody has measured it.
static double gpu_working_bytes(const struct arch *a, int tokens, bool bf16)
{
    const double wide = (a->gated_mlp ? 2.0 : 1.0) * a->d_ff;
    const double rows = wide + 2.0 * a->d_model + 2.0 * a->n_heads * a->head_dim;
    return (64 << 20) + 2.0 * sizeof(float) * HEAD_STRETCH * tokens + (bf16 ? 2 * rows * tokens : 0);
}

// Of objectives that learn from the policy's answers: who scores them, and what is kept while they are said. trained:
// parameters of the policy.
static void plan_answers(struct memory_plan *p, const struct memory_facts *f, const struct objective *o, const struct settings *s,
                         int rank, double trained)
{
    const double ahead = (double)settings_int(s, "rollout-ahead"), params = (double)arch_n_params(&f->arch);
    const int tokens = batch_rows(f, s);
    if (ahead > 0) {
        add(p, "the policy that answers, and its next weights (rollout-ahead)",
            (4 * (1 + ahead) + (f->bf16 && trained == params ? 2 : 0)) * trained, false);
        add(p, "activations of the policy that answers",
            (double)decoder_plan(&f->arch, rank, tokens, tokens, f->bf16, false, false), false);
    }
    // of no other size than the policy, as far as is known here
    add_frozen(p, f, quantized_type(settings_text(s, "reward-precision")), "weights of the reward model, in the mapped file",
               "weights of the reward model");
    add(p, "answers: keys and values",
        (o->online->reference_says ? 2 : 1) *
            (double)generate_plan(&f->arch, (int)(settings_int(s, "batch-size") * settings_int(s, "samples")),
                                  (int)settings_int(s, "max-new-tokens")), false);
    add_spare(p, "answers: weights laid out for sampling", packed_weights_plan(&f->arch));
    add_spare(p, "answers: what sampling computes, for the update", tape_bytes(f, o, s));
}

void memory_plan_make(struct memory_plan *p, const struct memory_facts *f, const struct objective *o, struct needs needs,
                      const struct settings *s)
{
    const double params = (double)arch_n_params(&f->arch);
    const bool goes_on = run_continues_adapter(s);
    const int rank = goes_on ? f->adapter_rank : (int)settings_int(s, "lora-rank");
    const int tokens = batch_rows(f, s);
    const bool scores = needs.networks & NETWORK_SCORE, is_new = f->file_bytes <= 0;
    const bool probes = settings_int(s, "probe-every") > 0 && !scores;
    const bool live = o->online && (needs.networks & NETWORK_REFERENCE);
    const double adapter = goes_on ? f->adapter_params : memory_of_adapter(&f->arch, rank, settings_text(s, "lora-targets"));
    *p = (struct memory_plan){.on_gpu = f->on_gpu, .available = f->available};
    if (o->of_runs) {
        add(p, "weights in f32", 4 * params, false);
        return;
    }
    if (rank > 0 || goes_on) {
        const enum dtype asked = quantized_type(settings_text(s, "base-precision"));
        const enum dtype type = dtype_is_quantized(asked) ? asked : f->base_type;
        add_frozen(p, f, type, "frozen weights, in the mapped file", "frozen weights");
        if ((needs.networks & NETWORK_VALUE) && dtype_is_quantized(type)) // else the file is mapped once
            add(p, "value network: quantized linear layers", (double)quantized_bytes(type, (size_t)arch_n_linear(&f->arch)), false);
        add(p, "adapter: weights, gradients, moments", 16 * adapter, false);
        if (goes_on && ((needs.reads & READ_KL) || probes || live))
            add(p, "adapter of the reference", 4 * adapter, false);
    } else {
        add_trained(p, params, f->bf16);
        if (settings_find(s, "l1") && settings_float(s, "l1") > 0)
            add(p, "weights at the start, for l1", 4 * params, false);
        if ((needs.reads & READ_KL) || (probes && !is_new) || live) {
            if (f->adapter || is_new)
                add(p, "weights of the reference, a copy", 4 * params, false);
            else
                add_frozen(p, f, DTYPE_F32, "weights of the reference, in the mapped file", "weights of the reference");
        }
    }
    if ((needs.networks & NETWORK_VALUE) && (rank > 0 || goes_on))
        add(p, "value network: its adapter", 16 * adapter, false);
    else if (needs.networks & NETWORK_VALUE)
        add(p, "value network: weights, gradients, moments", (f->bf16 ? 18 : 16) * params, false);
    const bool recompute = settings_bool(s, "recompute");
    add(p, "activations of a micro-batch (max-batch-tokens)",
        (double)decoder_plan(&f->arch, rank, tokens, scores ? 0 : tokens, f->bf16, true, recompute), false);
    if (f->on_gpu)
        add(p, "working memory of operations", gpu_working_bytes(&f->arch, tokens, f->bf16), false);
    if (rank <= 0 && !goes_on && !f->on_gpu)
        add(p, "a checkpoint's largest tensor, as it is written", largest_tensor(&f->arch), false);
    const double logits = 4.0 * f->arch.vocab_size * tokens, most = 128 << 20;
    add(p, "logits, kept for the backward", scores || recompute || f->bf16 ? 0 : logits < most ? logits : most, false);
    if (needs.networks & NETWORK_VALUE)
        add(p, "value network: activations", (double)decoder_plan(&f->arch, rank, tokens, 0, f->bf16, true, recompute),
            false);
    if ((needs.reads & READ_KL) || probes || live)
        add(p, "activations of the reference", (double)decoder_plan(&f->arch, 0, tokens, tokens, f->bf16, false, false),
            false);
    if (o->online)
        plan_answers(p, f, o, s, rank, rank > 0 || goes_on ? adapter : params);
    else if (probes || (needs.groups & GROUPS_OWN_ANSWERS)) {
        add(p, "sampling: keys and values", (double)generate_plan(&f->arch, (int)settings_int(s, "probe-prompts"),
                                                                  (int)settings_int(s, "probe-max-tokens")), false);
        add_spare(p, "sampling: weights laid out for it", packed_weights_plan(&f->arch));
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct memory_line *x = a, *y = b;
    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

int memory_plan_check(const struct memory_plan *p, const struct settings *s, struct err *e)
{
    char size[32], has[32];
    if (p->available <= 0 || p->bytes <= p->available)
        return 0;
    struct memory_plan sorted = *p;
    struct str lines = {0};
    qsort(sorted.lines, (size_t)sorted.n, sizeof *sorted.lines, by_bytes);
    for (int i = 0; i < sorted.n && i < 4; i++)
        if (!sorted.lines[i].mapped && !sorted.lines[i].spare)
            str_addf(&lines, "%s%s %s", lines.len ? ", " : "", sorted.lines[i].what,
                     human_bytes(size, sizeof size, sorted.lines[i].bytes));
    int code = err_set(e, ERR_LIMIT, "the run needs about %s%s (%s), and %s are free: %s", human_bytes(size, sizeof size, p->bytes),
                       p->on_gpu ? " of the GPU's memory" : "", str_text(&lines), human_bytes(has, sizeof has, p->available),
                       !settings_int(s, "lora-rank") ? "train adapters (--lora-rank 16), or use a smaller model"
                       : dtype_is_quantized(quantized_type(settings_text(s, "base-precision")))
                           ? "use a smaller model, a smaller max-batch-tokens, or recompute"
                           : "quantize the frozen weights (--base-precision nf4), use a smaller model, a smaller max-batch-tokens, "
                             "or recompute");
    str_fini(&lines);
    return code;
}

json_t *memory_plan_json(const struct memory_plan *p, const struct notes *warnings)
{
    json_t *lines = json_array(), *texts = json_array();
    for (size_t i = 0; i < warnings->n; i++)
        json_array_append_new(texts, json_string(warnings->texts[i]));
    for (int i = 0; i < p->n; i++)
        json_array_append_new(lines, json_pack("{s:s, s:f, s:b, s:b}", "what", p->lines[i].what, "bytes", p->lines[i].bytes, "mapped",
                                               p->lines[i].mapped, "spare", p->lines[i].spare));
    return json_pack("{s:f, s:f, s:f, s:f, s:b, s:o, s:o}", "bytes", p->bytes, "mapped", p->mapped_bytes, "spare", p->spare_bytes,
                     "available", p->available, "gpu", p->on_gpu, "lines", lines, "warnings", texts);
}
