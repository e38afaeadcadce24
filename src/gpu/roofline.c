// What a training step should take on a GPU, from counted bytes and operations: docs/gpu.md, which `make docs` writes
// with this.
//
// A kernel takes as long as its operations at the rate of its units or its bytes at the rate of the memory, whichever is
// more, and at least as long as a launch. A step is the sum over its kernels. Rates are the card's by its maker, times
// what was measured of them on one (an H200): cuBLASLt reached 813 of 989 TFLOP/s, a kernel that adds two arrays 4.37 of
// 4.8 TB/s.
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/arch.h"
#include "model/backend.h"

static const struct card {
    const char *name;
    double bf16, f32; // TFLOP/s: dense products on tensor cores; multiply-adds in f32 beside them
    double bytes;     // TB/s
    double memory;    // GB
} cards[] = {{"A100 80GB SXM", 312, 19.5, 2.039, 80}, {"H100 SXM", 989, 67, 3.35, 80}, {"H200", 989, 67, 4.8, 141}};
enum { N_CARDS = sizeof cards / sizeof *cards };

static const double product_reach = 813.0 / 989, memory_reach = 4.374 / 4.8, launch_s = 3e-6;

static const struct shape {
    const char *name, *config;
    int pairs, prompt, response; // a DPO step, its reference cached
    int lora_rank;               // 0: all weights
} shapes[] = {
    {"GPT-2 124M, all weights, 16 pairs of 256 + 256",
     "{\"model_type\": \"gpt2\", \"vocab_size\": 50257, \"n_embd\": 768, \"n_layer\": 12, \"n_head\": 12, \"n_positions\": 1024}", 16,
     256, 256, 0},
    {"OPT-1.3B, all weights, 8 pairs of 256 + 256",
     "{\"model_type\": \"opt\", \"vocab_size\": 50272, \"hidden_size\": 2048, \"word_embed_proj_dim\": 2048, \"num_hidden_layers\": 24, "
     "\"num_attention_heads\": 32, \"ffn_dim\": 8192, \"max_position_embeddings\": 2048, \"tie_word_embeddings\": true}", 8, 256, 256, 0},
    {"Llama-2-7B, LoRA of rank 16 on all layers, 4 pairs of 256 + 256",
     "{\"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008, \"num_hidden_layers\": 32, "
     "\"num_attention_heads\": 32, \"max_position_embeddings\": 4096, \"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": false}", 4, 256,
     256, 16},
    {"Llama-2-7B, all weights, 4 pairs of 256 + 256",
     "{\"model_type\": \"llama\", \"vocab_size\": 32000, \"hidden_size\": 4096, \"intermediate_size\": 11008, \"num_hidden_layers\": 32, "
     "\"num_attention_heads\": 32, \"max_position_embeddings\": 4096, \"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": false}", 4, 256,
     256, 0},
};

// ---- counting ----

enum unit { TENSOR, PLAIN }; // which units its operations run on
struct kernel {
    const char *name;
    enum unit unit;
    double flops, bytes, launches; // of the whole step
};
enum { MAX_KERNELS = 24 };
struct step {
    struct kernel kernels[MAX_KERNELS];
    int n;
    double useful; // operations that MFU counts: 6 a weight and row (4 where weights are frozen), and those of the head's targets
    double rows, targets, pairs; // computed rows; learnt tokens; pairs of query and key
    double memory; // bytes of weights and what belongs to them
};

static void add(struct step *s, const char *name, enum unit unit, double flops, double bytes, double launches)
{
    s->kernels[s->n++] = (struct kernel){name, unit, flops, bytes, launches};
}

// One product y(rows, o) = x(rows, i) w: operations, and bytes of bf16 x and w and of an f32 y.
static void product(struct kernel *k, double rows, double i, double o)
{
    k->flops += 2 * rows * i * o;
    k->bytes += 2 * rows * i + 2 * i * o + 4 * rows * o;
    k->launches++;
}

// dw(o, i) += dy^T x: the gradient is read and written in f32.
static void product_dw(struct kernel *k, double rows, double i, double o)
{
    k->flops += 2 * rows * i * o;
    k->bytes += 2 * rows * (i + o) + 8 * i * o;
    k->launches++;
}

struct widths {
    double in[7], out[7];
    int n;
};
static struct widths products_of(const struct arch *a)
{
    const double c = a->d_model, q = (double)a->n_heads * a->head_dim, kv = (double)a->n_kv_heads * a->head_dim, f = a->d_ff;
    struct widths w = {.in = {c, c, c, q, c, f, c}, .out = {q, kv, kv, c, f, c, f}, .n = a->gated_mlp ? 7 : 6};
    return w;
}

// A product beside an adapter: two thin ones, of which the second adds to a wide output.
static void count_adapter(struct kernel *k, double rows, double i, double o, double rank, bool backward)
{
    product(k, rows, i, rank);
    product(k, rows, rank, o);
    k->bytes += 4 * rows * o;
    if (!backward)
        return;
    product_dw(k, rows, i, rank);
    product_dw(k, rows, rank, o);
}

static void count_layers(struct step *s, const struct arch *a, int rank)
{
    const struct widths w = products_of(a);
    const double L = a->n_layers, T = s->rows, c = a->d_model, q = (double)a->n_heads * a->head_dim;
    const double kv = (double)a->n_kv_heads * a->head_dim, f = a->d_ff;
    struct kernel forward = {0}, dx = {0}, dw = {0}, adapter = {0}, adapter_back = {0};
    // Results that attention alone reads are bf16 at once: values of rotated heads, and what comes back to attention.
    const bool rounds = !rank && a->rope && !a->qkv_bias;
    forward.bytes -= rounds ? 2 * T * kv : 0;
    dx.bytes -= rank ? 0 : 2 * T * q;
    for (int i = 0; i < w.n; i++) {
        product(&forward, T, w.in[i], w.out[i]);
        product(&dx, T, w.out[i], w.in[i]);
        product_dw(&dw, T, w.in[i], w.out[i]);
        count_adapter(&adapter, T, w.in[i], w.out[i], rank, false);
        count_adapter(&adapter_back, T, w.in[i], w.out[i], rank, true);
    }
    add(s, "layers' products, forward", TENSOR, L * forward.flops, L * forward.bytes, L * forward.launches);
    add(s, "layers' products, dx", TENSOR, L * dx.flops, L * dx.bytes, L * dx.launches);
    if (rank)
        add(s, "adapters' products", TENSOR, L * (adapter.flops + adapter_back.flops), L * (adapter.bytes + adapter_back.bytes),
            L * (adapter.launches + adapter_back.launches));
    else
        add(s, "layers' products, dw", TENSOR, L * dw.flops, L * dw.bytes, L * dw.launches);
    // All in bf16. What comes back is multiplied with the result before the slopes are made.
    add(s, "attention, forward", TENSOR, 4 * L * q * s->pairs, L * T * 2 * (2 * q + 2 * kv), L);
    add(s, "attention, backward", TENSOR, 10 * L * q * s->pairs, L * T * 2 * (5 * q + 4 * kv), 3 * L);
    // Bytes of a number. A norm reads f32 and writes two copies, of what it gives and of what it was given; back it reads a
    // gradient of each side and the copy, and writes one gradient as it is and rounded. A sum of residuals is three of f32
    // each way. An activation does as a norm forward, and is made again from the copies for the weights behind it; back it
    // reads f32 and the copies and writes bf16. Rotation reads f32 and writes bf16, each way.
    const double norm = (4 + 2 + 2) + (4 + 4 + 2 + 4 + 2), sum = 3 * 4 + 3 * 4, n_wide = a->gated_mlp ? 2 : 1;
    const double wide = (n_wide * (4 + 2) + 2) + (n_wide * 2 + 2) + (4 + n_wide * (2 + 2));
    add(s, "norms, residuals", PLAIN, 10 * L * T * c, 2 * L * T * c * (norm + sum), 8 * L);
    add(s, "activations of the feed-forward", PLAIN, 20 * L * T * f, L * T * f * wide, 3 * L);
    if (a->rope)
        add(s, "rotary positions", PLAIN, 6 * L * T * (q + kv), 2 * L * T * (4 + 2) * (q + kv), 4 * L);
}

static void count_head(struct step *s, const struct arch *a, int rank)
{
    const double n = s->targets, c = a->d_embed, v = a->vocab_size, tiles = ceil(v / 768);
    // Logits go to memory and come back: once forward; made again, turned into slopes and read by one or two products
    // backward.
    add(s, "head, forward", TENSOR, 2 * n * c * v, 2 * n * c + 2 * c * v + 8 * n * v, 2 * tiles);
    add(s, "head, backward", TENSOR, (rank ? 4 : 6) * n * c * v, 4 * n * c + (rank ? 4 : 12) * c * v + (rank ? 14 : 16) * n * v,
        (rank ? 3 : 4) * tiles);
}

static double trained(const struct arch *a, int rank)
{
    const struct widths w = products_of(a);
    double n = 0;
    for (int i = 0; i < w.n; i++)
        n += a->n_layers * rank * (w.in[i] + w.out[i]);
    return rank ? n : (double)arch_n_params(a);
}

static void count(struct step *s, const struct shape *h, const struct arch *a)
{
    const double r = h->response - 1, p = h->prompt, weights = trained(a, h->lora_rank), all = (double)arch_n_params(a);
    const struct widths w = products_of(a);
    *s = (struct step){.rows = h->pairs * (p + 2 * r), .targets = h->pairs * 2.0 * h->response,
                       .pairs = h->pairs * (p * (p + 1) / 2 + 2 * (r * p + r * (r + 1) / 2))};
    double body = 0;
    for (int i = 0; i < w.n; i++)
        body += a->n_layers * w.in[i] * w.out[i];
    s->useful = (h->lora_rank ? 4 : 6) * (body * s->rows + (double)a->vocab_size * a->d_embed * s->targets) +
                12.0 * a->n_layers * a->n_heads * a->head_dim * s->pairs;
    s->memory = h->lora_rank ? 2 * all + 16 * weights : 18 * all;
    count_layers(s, a, h->lora_rank);
    count_head(s, a, h->lora_rank);
    // AdamW: weight, gradient, two moments read and written in f32, and the rounded copy; before it the gradients' norm.
    add(s, "AdamW and the gradients' norm", PLAIN, 16 * weights, (32 + 2 + 4) * weights, 4);
}

// ---- time ----

enum bound { OPERATIONS, MEMORY, LAUNCHES };
static double time_of(const struct kernel *k, const struct card *c, enum bound *bound)
{
    const double operations = k->flops / (1e12 * (k->unit == TENSOR ? c->bf16 : c->f32) * product_reach);
    const double bytes = k->bytes / (1e12 * c->bytes * memory_reach), launches = k->launches * launch_s;
    *bound = launches > operations && launches > bytes ? LAUNCHES : bytes > operations ? MEMORY : OPERATIONS;
    return fmax(launches, fmax(bytes, operations));
}

static double step_time(const struct step *s, const struct card *c)
{
    enum bound bound;
    double all = 0;
    for (int i = 0; i < s->n; i++)
        all += time_of(&s->kernels[i], c, &bound);
    return all;
}

// What today's kernels take beyond that, in passes that make no numbers: where a product adds a bias, or an adapter to it,
// what attention reads of it is rounded in a pass. tests/gpu/test_cuda_products counts these passes.
static double passing_time(const struct step *s, const struct arch *a, const struct card *c, int rank)
{
    const double q = (double)a->n_heads * a->head_dim, kv = (double)a->n_kv_heads * a->head_dim;
    const double forward = rank || a->qkv_bias ? (a->rope ? kv : q + 2 * kv) : 0, backward = rank ? q : 0;
    return a->n_layers * s->rows * (4 + 2) * (forward + backward) / (1e12 * c->bytes * memory_reach);
}

// ---- printing ----

static void print_kernels(const struct step *s)
{
    static const char *const bounds[] = {"operations", "memory", "launches"};
    printf("| kernels | GFLOP | GB |");
    for (int c = 0; c < N_CARDS; c++)
        printf(" %s, ms |", cards[c].name);
    printf(" bound by, on H100 | measured |\n|---|--:|--:|");
    for (int c = 0; c < N_CARDS; c++)
        printf("--:|");
    printf("---|---|\n");
    for (int i = 0; i < s->n; i++) {
        const struct kernel *k = &s->kernels[i];
        enum bound bound = OPERATIONS, unused;
        printf("| %s | %.0f | %.1f |", k->name, k->flops / 1e9, k->bytes / 1e9);
        for (int c = 0; c < N_CARDS; c++)
            printf(" %.2f |", 1e3 * time_of(k, &cards[c], c == 1 ? &bound : &unused));
        printf(" %s | |\n", bounds[bound]);
    }
}

static void print_shape(const struct shape *h)
{
    struct err e;
    struct arch a;
    struct step s;
    json_t *config = json_loads(h->config, 0, NULL);
    if (!config || arch_from_config(&a, config, h->name, NULL, &e)) {
        fprintf(stderr, "roofline: %s: %s\n", h->name, config ? e.text : "no JSON");
        exit(1);
    }
    count(&s, h, &a);
    printf("\n## %s\n\n%.0f M weights, %.0f rows and %.0f learnt tokens a step; weights and what belongs to them take %.1f GB.\n\n", h->name,
           (double)arch_n_params(&a) / 1e6, s.rows, s.targets, s.memory / 1e9);
    printf("| card | step, ms | rows/s | MFU | with today's passes, ms | of it those | measured, ms |\n"
           "|---|--:|--:|--:|--:|--:|---|\n");
    for (int c = 0; c < N_CARDS; c++) {
        const double t = step_time(&s, &cards[c]), passing = passing_time(&s, &a, &cards[c], h->lora_rank);
        if (s.memory > 0.95e9 * cards[c].memory)
            printf("| %s | does not fit in %.0f GB | | | | | |\n", cards[c].name, cards[c].memory);
        else
            printf("| %s | %.1f | %.0f | %.0f %% | %.1f | %.1f | |\n", cards[c].name, 1e3 * t, s.rows / t,
                   100 * s.useful / t / (1e12 * cards[c].bf16), 1e3 * (t + passing), 1e3 * passing);
    }
    putchar('\n');
    print_kernels(&s);
    json_decref(config);
}

// ---- decoding ----

// A token for each stream: what is read of a frozen model's weights, and of keys and values, of which all share a prompt's.
static void print_decoding(const struct shape *h)
{
    enum { STREAMS = 16, PROMPT = 256, SAID = 128 };
    static const struct {
        const char *name;
        double lie, numbers; // bytes a weight as it lies, and of the numbers that are made of it, written and read again
    } ways[] = {{"bf16", 2, 0},
                {"int8, made numbers in memory first", (double)(INT8_HEAD + QUANT_GROUP) / QUANT_GROUP, 4},
                {"int8, as they lie", (double)(INT8_HEAD + QUANT_GROUP) / QUANT_GROUP, 0},
                {"nf4, made numbers in memory first", (NF4_HEAD + QUANT_GROUP / 2.0) / QUANT_GROUP, 4},
                {"nf4, as they lie", (NF4_HEAD + QUANT_GROUP / 2.0) / QUANT_GROUP, 0}};
    struct err e;
    struct arch a;
    json_t *config = json_loads(h->config, 0, NULL);
    if (!config || arch_from_config(&a, config, h->name, NULL, &e))
        exit(1);
    const struct widths w = products_of(&a);
    double body = 0;
    for (int i = 0; i < w.n; i++)
        body += a.n_layers * w.in[i] * w.out[i];
    const double head = 2.0 * a.vocab_size * a.d_embed;
    const double keys = 2.0 * 4 * a.n_layers * a.n_kv_heads * a.head_dim * (PROMPT + STREAMS * SAID);
    printf("\n## Decoding with Llama-2-7B, %d answers to one prompt of %d, each %d tokens on\n\n"
           "Bytes of a token for all. Layers' weights may be quantized, the head is in bf16, keys and values are f32. Up to 32 rows "
           "quantized weights are read as they lie (once for each 16 rows); with more, each product makes numbers of them "
           "first, in pieces of 32 MiB at most, which the second cache may hold.\n\n"
           "| weights | of layers, GB | head, GB | keys and values, GB |", STREAMS, PROMPT, SAID);
    for (int c = 0; c < N_CARDS; c++)
        printf(" %s, ms |", cards[c].name);
    printf(" measured |\n|---|--:|--:|--:|");
    for (int c = 0; c < N_CARDS; c++)
        printf("--:|");
    printf("---|\n");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const double layers = body * (ways[i].lie + ways[i].numbers);
        printf("| %s | %.1f | %.1f | %.1f |", ways[i].name, layers / 1e9, head / 1e9, keys / 1e9);
        for (int c = 0; c < N_CARDS; c++)
            printf(" %.1f |", 1e3 * (layers + head + keys) / (1e12 * cards[c].bytes * memory_reach));
        printf(" |\n");
    }
    json_decref(config);
}

int main(void)
{
    printf("<!-- Written by `make docs` (src/gpu/roofline.c). -->\n# What a step should take on a GPU\n\n"
           "**Nothing here was measured with Attune: it has not run on a GPU yet.** These are bounds from counted operations and bytes, and "
           "the columns named measured are there to be filled by `tests/gpu/on-device.sh`.\n\n"
           "A kernel takes as long as its operations or its bytes at the card's rates, whichever is more, and %.0f us a launch at least; a step "
           "is the sum. Rates are the maker's, times what an H200 was seen to reach: %.0f %% of dense bf16 in cuBLASLt, %.0f %% of the memory's "
           "bytes in a kernel that adds arrays. A prompt is computed once for both of its answers, the reference is cached, only learnt "
           "tokens go through the head. MFU counts 6 operations a weight and row (4 where weights are frozen), 12 a pair of query and key "
           "and layer's width, and the head for learnt tokens, against the maker's rate.\n\n"
           "What layers keep for the backward is in bf16, written by the kernels that make or read it and read as it is kept. Kernels that "
           "are counted are not all there is today: what attention reads straight from a product that has a bias or an adapter (values, and "
           "queries and keys without rotary positions) is rounded in a pass. What that adds stands in a column of its own.\n\n"
           "| card | bf16, TFLOP/s | f32, TFLOP/s | memory, TB/s | GB |\n|---|--:|--:|--:|--:|\n",
           1e6 * launch_s, 100 * product_reach, 100 * memory_reach);
    for (int c = 0; c < N_CARDS; c++)
        printf("| %s | %.0f | %.1f | %.2f | %.0f |\n", cards[c].name, cards[c].bf16, cards[c].f32, cards[c].bytes, cards[c].memory);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        print_shape(&shapes[i]);
    print_decoding(&shapes[2]);
    printf("\n## From the start of a run's process to its first step\n\n"
           "OPT-1.3B, whose file in bf16 stands in the page cache; not counted, for what a driver's start takes was not measured.\n\n"
           "| what | goal | measured |\n|---|--:|---|\n"
           "| `attune-engine bench --device cuda --precision bf16 --case start-1.3b` | 5 s | |\n");
    return 0;
}
