// Elementwise operations, the optimizer and the gradient's square sum: fixed blocks of the flat arrays.
#include "config.h"

#include "cpu/backend_cpu.h"

enum { BLOCK = 16384 };

enum flat_op {
    OP_ACT,
    OP_ACT_BACKWARD,
    OP_GATED,
    OP_GATED_BACKWARD,
    OP_ADD,
    OP_SCALE,
    OP_SOFT_CAP,
    OP_SUM_SQUARES,
    OP_SHRINK,
    OP_ADAMW,
    OP_CONVERT,
    OP_ROUND
};

struct flat_job {
    const struct cpu_kernels *k;
    enum flat_op op;
    size_t n;
    float *out, *out2, *out3;
    const float *x, *x2, *x3;
    struct stored from; // OP_CONVERT, into out or halves
    uint16_t *halves;
    enum activation kind;
    float factor;
    float *grads;
    const struct adamw *step;
    double *sums; // two numbers a block for OP_SHRINK, else one
};

// Plain loops: a pass over the weights is bound by memory.
static void shrink_block(float *w, const float *start, float threshold, size_t n, double *l1, double *n_small)
{
    double sum = 0;
    size_t small = 0;
    for (size_t i = 0; i < n; i++) {
        const float d = w[i] - start[i];
        w[i] = d > threshold ? start[i] + (d - threshold) : d < -threshold ? start[i] + (d + threshold) : start[i];
        const double left = (double)w[i] - (double)start[i];
        sum += left < 0 ? -left : left;
        small += left < 1e-8 && left > -1e-8;
    }
    *l1 = sum;
    *n_small = (double)small;
}

static void round_block(const struct cpu_kernels *k, float *x, size_t n)
{
    enum { PIECE = 1024 };
    uint16_t halves[PIECE];
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < PIECE ? n - i : PIECE;
        k->round_bf16(halves, x + i, 1, m);
        k->widen(x + i, halves, DTYPE_BF16, m);
    }
}

static void flat_task(void *data, int block, int thread)
{
    const struct flat_job *j = data;
    const struct cpu_kernels *k = j->k;
    size_t at = (size_t)block * BLOCK, n = j->n - at < BLOCK ? j->n - at : BLOCK;
    switch (j->op) {
    case OP_ACT:
        k->act(j->out + at, j->x + at, n, j->kind);
        break;
    case OP_ACT_BACKWARD:
        k->act_backward(j->out + at, j->x + at, j->x2 + at, n, j->kind);
        break;
    case OP_GATED:
        k->gated(j->out + at, j->x + at, j->x2 + at, n, j->kind);
        break;
    case OP_GATED_BACKWARD:
        k->gated_backward(j->out + at, j->out2 + at, j->x + at, j->x2 + at, j->x3 + at, n, j->kind);
        break;
    case OP_SOFT_CAP:
        k->soft_cap(j->out + at, j->factor, n);
        break;
    case OP_ADD:
        k->add(j->out + at, j->x + at, j->x2 + at, n);
        break;
    case OP_SCALE:
        k->scale(j->out + at, j->factor, n);
        break;
    case OP_SUM_SQUARES:
        j->sums[block] = k->sum_squares(j->x + at, n);
        break;
    case OP_SHRINK:
        shrink_block(j->out + at, j->x + at, j->factor, n, &j->sums[2 * block], &j->sums[2 * block + 1]);
        break;
    case OP_ADAMW:
        k->adamw(j->out + at, j->grads + at, j->out2 + at, j->out3 + at, n, j->step);
        break;
    case OP_ROUND:
        round_block(k, j->out + at, n);
        break;
    case OP_CONVERT:
        if (j->halves)
            k->round_bf16(j->halves + at, (const float *)j->from.at + at, 1, n);
        else if (dtype_is_quantized(j->from.type))
            k->dequantize(j->out + at, j->from.at, j->from.type, at, n);
        else
            k->widen(j->out + at, stored_from(j->from, at).at, j->from.type, n);
        break;
    }
}

static void run_flat(struct backend *b, struct flat_job job, double work_per_element)
{
    job.k = b->k;
    cpu_run(b, cpu_blocks(job.n, BLOCK), (double)job.n * work_per_element, flat_task, &job);
}

void cpu_act(struct backend *b, float *y, const float *x, size_t n, enum activation kind)
{
    run_flat(b, (struct flat_job){.op = OP_ACT, .n = n, .out = y, .x = x, .kind = kind}, 2);
}

void cpu_act_backward(struct backend *b, float *dx, const float *dy, const float *x, size_t n, enum activation kind)
{
    run_flat(b, (struct flat_job){.op = OP_ACT_BACKWARD, .n = n, .out = dx, .x = dy, .x2 = x, .kind = kind}, 2);
}

void cpu_gated(struct backend *b, float *y, const float *gate, const float *up, size_t n, enum activation kind)
{
    run_flat(b, (struct flat_job){.op = OP_GATED, .n = n, .out = y, .x = gate, .x2 = up, .kind = kind}, 2);
}

void cpu_gated_backward(struct backend *b, float *dgate, float *dup, const float *dy, const float *gate,
                        const float *up, size_t n, enum activation kind)
{
    run_flat(b,
             (struct flat_job){.op = OP_GATED_BACKWARD, .n = n, .out = dgate, .out2 = dup, .x = dy, .x2 = gate,
                               .x3 = up, .kind = kind},
             2);
}

void cpu_soft_cap(struct backend *b, float *x, float cap, size_t n)
{
    run_flat(b, (struct flat_job){.op = OP_SOFT_CAP, .n = n, .out = x, .factor = cap}, 2);
}

void cpu_add(struct backend *b, float *y, const float *a, const float *x, size_t n)
{
    run_flat(b, (struct flat_job){.op = OP_ADD, .n = n, .out = y, .x = a, .x2 = x}, 0.5);
}

void cpu_scale(struct backend *b, float *x, float factor, size_t n)
{
    run_flat(b, (struct flat_job){.op = OP_SCALE, .n = n, .out = x, .factor = factor}, 0.5);
}

struct shrunk cpu_shrink(struct backend *b, float *w, const float *start, float threshold, size_t n)
{
    struct shrunk all = {0};
    int n_blocks = cpu_blocks(n, BLOCK);
    double *sums = (double *)(void *)cpu_scratch(b, (size_t)n_blocks * 4);
    if (!sums)
        return all;
    run_flat(b, (struct flat_job){.op = OP_SHRINK, .n = n, .out = w, .x = start, .factor = threshold, .sums = sums}, 1);
    for (int i = 0; i < n_blocks; i++) {
        all.l1 += sums[2 * i];
        all.n_small += (size_t)sums[2 * i + 1];
    }
    return all;
}

void cpu_round_to(struct backend *b, float *x, enum dtype type, size_t n)
{
    BUG_IF(type == DTYPE_F16);
    if (type == DTYPE_BF16)
        run_flat(b, (struct flat_job){.op = OP_ROUND, .n = n, .out = x}, 0.5);
}

void cpu_convert(struct backend *b, void *to, enum dtype type, struct stored from, size_t n)
{
    struct flat_job job = {.op = OP_CONVERT, .n = n, .from = from};
    BUG_IF(type == DTYPE_F16 || (type == DTYPE_BF16 && from.type != DTYPE_F32));
    if (type == DTYPE_BF16)
        job.halves = to;
    else
        job.out = to;
    run_flat(b, job, 0.5);
}

double cpu_sum_squares(struct backend *b, const float *x, size_t n)
{
    int n_blocks = cpu_blocks(n, BLOCK);
    double *sums = (double *)(void *)cpu_scratch(b, (size_t)n_blocks * 2);
    if (!sums)
        return 0;
    run_flat(b, (struct flat_job){.op = OP_SUM_SQUARES, .n = n, .x = x, .sums = sums}, 0.5);
    double total = 0;
    for (int i = 0; i < n_blocks; i++)
        total += sums[i];
    return total;
}

void cpu_adamw(struct backend *b, float *p, float *g, float *m, float *v, size_t n, const struct adamw *step)
{
    run_flat(b, (struct flat_job){.op = OP_ADAMW, .n = n, .out = p, .out2 = m, .out3 = v, .grads = g, .step = step}, 2);
}
