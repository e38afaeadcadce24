// Products by cuBLASLt: the way it multiplies a shape is asked for once and kept, its working memory is ours. Sums over
// parts of k are taken in a fixed order (no way that adds where it finishes is accepted), so bits repeat.
#include "gpu/product.cuh"

#include <stdlib.h>
#include <string.h>

#ifdef ATTUNE_CUDA_ON_HOST
#include <cublaslt_host.h>
#else
#include <cublasLt.h>
#endif

enum { WORKSPACE = 32 << 20, N_WAYS = 256 };

// What a way of multiplying depends on.
struct shape {
    int m, n, k, lda, ldb, ldc;
    int alignment_a, alignment_b, alignment_c, alignment_bias;
    uint8_t type, transposed_a, transposed_b, bias, row_sums, rounded;
};
struct way {
    struct shape shape;
    cublasLtMatmulAlgo_t algorithm;
    bool known;
    bool refused; // the library has none with row sums, or with a rounded result
};

struct products {
    cublasLtHandle_t library;
    struct way ways[N_WAYS]; // by the shape's hash; the newest of two stays
};

int gpu_products_open(struct backend *b, struct err *e)
{
    struct products *p = (struct products *)calloc(1, sizeof *p);
    b->products = p;
    if (!p)
        return gpu_err(e, ERR_LIMIT, "not enough memory to open a GPU");
    if (cublasLtCreate(&p->library) != CUBLAS_STATUS_SUCCESS)
        return gpu_err(e, ERR_UNSUPPORTED, "cuBLASLt cannot be used on this GPU");
    return 0;
}

void gpu_products_close(struct backend *b)
{
    struct products *p = b->products;
    if (!p)
        return;
    if (p->library)
        cublasLtDestroy(p->library);
    free(p);
}

static bool good(struct backend *b, cublasStatus_t status, const char *what)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        gpu_fail(b, ERR_FAIL, "cuBLASLt: %s failed with status %d", what, (int)status);
    return !b->failed;
}

// Bytes that the address is a multiple of, 256 at most.
static int alignment_of(const void *p)
{
    const uintptr_t at = (uintptr_t)p | 256;
    return (int)(at & -at);
}

static void *result_of(const struct product *p)
{
    return p->rounded ? (void *)p->rounded : (void *)p->c;
}

static struct shape shape_of(const struct product *p)
{
    struct shape s;
    memset(&s, 0, sizeof s); // compared as bytes
    s.m = p->m, s.n = p->n, s.k = p->k;
    s.lda = p->a.ld, s.ldb = p->b.ld, s.ldc = p->ldc;
    s.alignment_a = alignment_of(p->a.at), s.alignment_b = alignment_of(p->b.at), s.alignment_c = alignment_of(result_of(p));
    s.alignment_bias = alignment_of(p->row_sums ? p->row_sums : p->bias);
    s.type = (uint8_t)p->type;
    s.transposed_a = p->a.transposed, s.transposed_b = p->b.transposed, s.bias = p->bias != NULL;
    s.row_sums = p->row_sums != NULL;
    s.rounded = p->rounded != NULL;
    return s;
}

// The library's description of a product, in its order: its A is our b, its B our a.
struct description {
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t a, b, c;
};

static bool describe_matrix(struct backend *b, cublasLtMatrixLayout_t *out, cudaDataType_t type, const struct factor *f,
                            int rows, int columns) // ours, as the product takes it
{
    const int inner = f->transposed ? rows : columns, outer = f->transposed ? columns : rows;
    return good(b, cublasLtMatrixLayoutCreate(out, type, (uint64_t)inner, (uint64_t)outer, f->ld), "describing a matrix");
}

static bool describe(struct backend *b, struct description *d, const struct product *p)
{
    const cudaDataType_t type = p->type == DTYPE_BF16 ? CUDA_R_16BF : CUDA_R_32F;
    const struct factor c = {result_of(p), p->ldc, false};
    const cublasOperation_t of_a = p->b.transposed ? CUBLAS_OP_T : CUBLAS_OP_N,
                            of_b = p->a.transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasComputeType_t compute = p->type == DTYPE_F32 && b->precision == PRECISION_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                                                               : CUBLAS_COMPUTE_32F;
    memset(d, 0, sizeof *d);
    if (!good(b, cublasLtMatmulDescCreate(&d->product, compute, CUDA_R_32F), "describing a product") ||
        !describe_matrix(b, &d->a, type, &p->b, p->k, p->n) || !describe_matrix(b, &d->b, type, &p->a, p->m, p->k) ||
        !describe_matrix(b, &d->c, p->rounded ? CUDA_R_16BF : CUDA_R_32F, &c, p->m, p->n))
        return false;
    cublasStatus_t status = cublasLtMatmulDescSetAttribute(d->product, CUBLASLT_MATMUL_DESC_TRANSA, &of_a, sizeof of_a);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulDescSetAttribute(d->product, CUBLASLT_MATMUL_DESC_TRANSB, &of_b, sizeof of_b);
    if ((p->bias || p->row_sums) && status == CUBLAS_STATUS_SUCCESS) { // its rows are our columns, its B is our a
        const cublasLtEpilogue_t epilogue = p->row_sums ? CUBLASLT_EPILOGUE_BGRADB : CUBLASLT_EPILOGUE_BIAS;
        const void *at = p->row_sums ? p->row_sums : p->bias;
        status = cublasLtMatmulDescSetAttribute(d->product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue);
        if (status == CUBLAS_STATUS_SUCCESS)
            status = cublasLtMatmulDescSetAttribute(d->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &at, sizeof at);
    }
    return good(b, status, "describing a product");
}

static void forget(struct description *d)
{
    cublasLtMatrixLayoutDestroy(d->a);
    cublasLtMatrixLayoutDestroy(d->b);
    cublasLtMatrixLayoutDestroy(d->c);
    cublasLtMatmulDescDestroy(d->product);
}

static bool ask_way(struct backend *b, struct way *way, const struct description *d)
{
    const size_t workspace = WORKSPACE;
    // Parts of sums are f32: the type that is computed in always is, that of the result where it is not rounded.
    const uint32_t sums = (uint32_t)CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                          (way->shape.rounded ? 0u : (uint32_t)CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE);
    const uint32_t a = (uint32_t)way->shape.alignment_b, x = (uint32_t)way->shape.alignment_a,
                   c = (uint32_t)way->shape.alignment_c;
    const struct {
        cublasLtMatmulPreferenceAttributes_t what;
        const void *value;
        size_t bytes;
    } wishes[] = {{CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace},
                  {CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &sums, sizeof sums},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &a, sizeof a},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, &x, sizeof x},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, &c, sizeof c},
                  {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, &c, sizeof c}};
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulHeuristicResult_t found;
    int n = 0;
    if (!good(b, cublasLtMatmulPreferenceCreate(&preference), "asking for a way to multiply"))
        return false;
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes && status == CUBLAS_STATUS_SUCCESS; i++)
        status = cublasLtMatmulPreferenceSetAttribute(preference, wishes[i].what, wishes[i].value, wishes[i].bytes);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = cublasLtMatmulAlgoGetHeuristic(b->products->library, d->product, d->a, d->b, d->c, d->c, preference, 1,
                                                &found, &n);
    cublasLtMatmulPreferenceDestroy(preference);
    if (status == CUBLAS_STATUS_SUCCESS && n == 0)
        status = CUBLAS_STATUS_NOT_SUPPORTED;
    way->refused = (way->shape.row_sums || way->shape.rounded) && status == CUBLAS_STATUS_NOT_SUPPORTED;
    if (way->refused)
        return way->known = true;
    if (good(b, status, "asking for a way to multiply"))
        way->algorithm = found.algo;
    way->known = !b->failed;
    return way->known;
}

static struct way *way_of(struct products *all, const struct shape *s)
{
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < sizeof *s; i++)
        hash = (hash ^ ((const unsigned char *)s)[i]) * 1099511628211u;
    struct way *way = &all->ways[hash % N_WAYS];
    if (memcmp(&way->shape, s, sizeof *s) != 0) {
        way->shape = *s;
        way->known = way->refused = false;
    }
    return way;
}

// c = beta c + bias, when there is nothing to sum.
__global__ static void no_product_kernel(float *c, const float *bias, float beta, size_t n_all, int n, int ldc)
{
    const size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n_all)
        return;
    float *at = c + i / n * ldc + i % n;
    *at = (beta == 0 ? 0 : beta * *at) + (bias ? bias[i % n] : 0);
}

static bool plainly(struct backend *b, const struct product *p)
{
    struct product plain = *p;
    plain.row_sums = NULL;
    plain.rounded = NULL;
    gpu_multiply(b, &plain);
    return false;
}

bool gpu_multiply(struct backend *b, const struct product *p)
{
    const size_t n_all = (size_t)p->m * p->n;
    if (b->failed || n_all == 0)
        return false;
    if (p->k == 0) {
        GPU_RUN(b, no_product_kernel, gpu_blocks(n_all, 256), 256, 0, p->c, p->bias, p->beta, n_all, p->n, p->ldc);
        return false;
    }
    struct products *all = b->products;
    const struct shape s = shape_of(p);
    struct way *way = way_of(all, &s);
    struct description d;
    void *workspace = gpu_scratch(b, SCRATCH_PRODUCTS, WORKSPACE);
    if (!workspace)
        return false;
    b->queued = true;
    if (way->known && way->refused)
        return plainly(b, p);
    if (describe(b, &d, p) && (way->known || ask_way(b, way, &d)) && !way->refused)
        good(b,
             cublasLtMatmul(all->library, d.product, &p->alpha, p->b.at, d.a, p->a.at, d.b, &p->beta, result_of(p), d.c,
                            result_of(p), d.c, &way->algorithm, workspace, WORKSPACE, b->stream),
             "a matrix product");
    forget(&d);
    return way->refused ? plainly(b, p) : (p->row_sums || p->rounded) && !b->failed;
}
