// The stand-in for cuBLASLt: column-major products by plain loops, queued on the stream.
#include "cublaslt_host.h"
#include "cuda_host_memory.h"

#include <vector>

struct cublas_host {
    int nothing;
};
struct cublas_host_matrix {
    cudaDataType_t type;
    uint64_t rows, columns;
    int64_t ld;
};
struct cublas_host_product {
    cublasComputeType_t compute;
    cublasOperation_t of_a, of_b;
    cublasLtEpilogue_t epilogue;
    float *bias; // or where its gradient goes
};
struct cublas_host_preference {
    size_t workspace;
    uint32_t sums, alignment[4];
};

static bool refuses_sums, refuses_rounded;

void cublaslt_host_refuse_sums(bool refuse)
{
    refuses_sums = refuse;
}

void cublaslt_host_refuse_rounded(bool refuse)
{
    refuses_rounded = refuse;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    *handle = new cublas_host;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *m, cudaDataType_t type, uint64_t rows, uint64_t columns,
                                          int64_t ld)
{
    if (rows == 0 || columns == 0 || ld < (int64_t)rows)
        cuda_host_fault("a matrix of %llu x %llu with %lld between columns", (unsigned long long)rows,
                        (unsigned long long)columns, (long long)ld);
    *m = new cublas_host_matrix{type, rows, columns, ld};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t m)
{
    delete m;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t)
{
    *d = new cublas_host_product{compute, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, NULL};
    return CUBLAS_STATUS_SUCCESS;
}

static void take(void *to, size_t room, const void *value, size_t bytes)
{
    if (bytes != room)
        cuda_host_fault("an attribute of %zu bytes, %zu were given", room, bytes);
    memcpy(to, value, bytes);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what, const void *value,
                                              size_t bytes)
{
    switch (what) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
        take(&d->of_a, sizeof d->of_a, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_TRANSB:
        take(&d->of_b, sizeof d->of_b, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
        take(&d->epilogue, sizeof d->epilogue, value, bytes);
        break;
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
        take(&d->bias, sizeof d->bias, value, bytes);
        break;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d)
{
    delete d;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
    *p = new cublas_host_preference{0, 7, {256, 256, 256, 256}};
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t what,
                                                    const void *value, size_t bytes)
{
    if (what == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)
        take(&p->workspace, sizeof p->workspace, value, bytes);
    else if (what == CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)
        take(&p->sums, sizeof p->sums, value, bytes);
    else
        take(&p->alignment[what - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], sizeof p->alignment[0], value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p)
{
    delete p;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t out,
                                              cublasLtMatmulPreference_t p, int n_wanted,
                                              cublasLtMatmulHeuristicResult_t *found, int *n_found)
{
    if (p->sums & CUBLASLT_REDUCTION_SCHEME_INPLACE)
        cuda_host_fault("a product may be summed in any order");
    if (out->type != CUDA_R_32F && p->sums & CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE)
        cuda_host_fault("parts of a product's sums may be rounded");
    *n_found = 0;
    if ((refuses_sums && d->epilogue == CUBLASLT_EPILOGUE_BGRADB) || (refuses_rounded && out->type != CUDA_R_32F))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    *n_found = n_wanted > 0;
    found->algo = {a->rows,
                   a->columns,
                   b->rows,
                   b->columns,
                   {p->alignment[0], p->alignment[1], p->alignment[2], p->alignment[3]},
                   p->workspace,
                   d->epilogue};
    return CUBLAS_STATUS_SUCCESS;
}

static float number(const void *p, cudaDataType_t type, size_t i)
{
    return type == CUDA_R_32F ? ((const float *)p)[i] : __uint_as_float((unsigned)((const uint16_t *)p)[i] << 16);
}

// TF32: 10 bits behind the point are left, to nearest.
static float rounded(float x, cublasComputeType_t compute)
{
    const unsigned bits = __float_as_uint(x);
    if (compute != CUBLAS_COMPUTE_32F_FAST_TF32 || (bits & 0x7f800000) == 0x7f800000)
        return x;
    return __uint_as_float((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu);
}

// The matrix as the product takes it, its columns one after the other.
static std::vector<float> dense(const void *p, const cublas_host_matrix &m, cublasOperation_t op, uint64_t rows,
                                uint64_t columns, cublasComputeType_t compute)
{
    std::vector<float> x(rows * columns);
    for (uint64_t c = 0; c < columns; c++)
        for (uint64_t r = 0; r < rows; r++)
            x[c * rows + r] = rounded(
                number(p, m.type, op == CUBLAS_OP_T ? r * (uint64_t)m.ld + c : c * (uint64_t)m.ld + r), compute);
    return x;
}

struct job {
    cublas_host_product d;
    cublas_host_matrix a, b, out;
    const void *from_a, *from_b;
    void *to;
    float alpha, beta;
    uint64_t k;
};

// sums += the four columns of a, each times its b: term by term, and in vectors.
__attribute__((optimize("O3"))) static void add_four(float *__restrict__ sums, const float *__restrict__ a, uint64_t m,
                                                    const float *b)
{
    const float b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
    for (uint64_t r = 0; r < m; r++)
        sums[r] = (((sums[r] + a[r] * b0) + a[m + r] * b1) + a[2 * m + r] * b2) + a[3 * m + r] * b3;
}

// To nearest, ties to even; NaN stays NaN.
static uint16_t half_of(float x)
{
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static void multiply(const job &j)
{
    const uint64_t m = j.out.rows, n = j.out.columns;
    const std::vector<float> a = dense(j.from_a, j.a, j.d.of_a, m, j.k, j.d.compute);
    const std::vector<float> b = dense(j.from_b, j.b, j.d.of_b, j.k, n, j.d.compute);
    std::vector<float> sums(m);
    for (uint64_t c = 0; c < n; c++) {
        const uint64_t first = c * (uint64_t)j.out.ld;
        std::fill(sums.begin(), sums.end(), 0.0f);
        uint64_t k = 0;
        for (; k + 4 <= j.k; k += 4)
            add_four(sums.data(), &a[k * m], m, &b[c * j.k + k]);
        for (; k < j.k; k++)
            for (uint64_t r = 0; r < m; r++)
                sums[r] += a[k * m + r] * b[c * j.k + k];
        const bool has_bias = j.d.epilogue == CUBLASLT_EPILOGUE_BIAS;
        for (uint64_t r = 0; r < m; r++) {
            const float was = j.beta == 0 ? 0 : j.beta * number(j.to, j.out.type, first + r);
            const float x = j.alpha * sums[r] + was + (has_bias ? j.d.bias[r] : 0);
            if (j.out.type == CUDA_R_32F)
                ((float *)j.to)[first + r] = x;
            else
                ((uint16_t *)j.to)[first + r] = half_of(x);
        }
        if (j.d.epilogue != CUBLASLT_EPILOGUE_BGRADB)
            continue;
        j.d.bias[c] = 0;
        for (uint64_t k = 0; k < j.k; k++)
            j.d.bias[c] += b[c * j.k + k];
    }
}

static void check_memory(const void *p, const cublas_host_matrix *m, uint32_t alignment, const char *what)
{
    const size_t bytes = m->type == CUDA_R_32F ? 4 : 2;
    cuda_host_memory_check(p, ((m->columns - 1) * (size_t)m->ld + m->rows) * bytes, what);
    if ((uintptr_t)p % alignment)
        cuda_host_fault("%s is not aligned to %u bytes, as the way to multiply was asked for", what, alignment);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t d, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t a_layout, const void *b, cublasLtMatrixLayout_t b_layout,
                              const void *beta, const void *c, cublasLtMatrixLayout_t, void *out,
                              cublasLtMatrixLayout_t out_layout, const cublasLtMatmulAlgo_t *algorithm, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream)
{
    const bool flip_a = d->of_a == CUBLAS_OP_T, flip_b = d->of_b == CUBLAS_OP_T;
    const uint64_t m = flip_a ? a_layout->columns : a_layout->rows, k = flip_a ? a_layout->rows : a_layout->columns;
    const uint64_t n = flip_b ? b_layout->rows : b_layout->columns;
    if ((flip_b ? b_layout->columns : b_layout->rows) != k || out_layout->rows != m || out_layout->columns != n)
        cuda_host_fault("matrices of a product that do not fit each other");
    if (a_layout->type != b_layout->type || c != out ||
        (out_layout->type != CUDA_R_32F && (out_layout->type != a_layout->type || d->epilogue != CUBLASLT_EPILOGUE_DEFAULT)))
        cuda_host_fault("a product of types that the library does not multiply");
    if (algorithm->rows_a != a_layout->rows || algorithm->columns_a != a_layout->columns ||
        algorithm->rows_b != b_layout->rows || algorithm->columns_b != b_layout->columns ||
        workspace_bytes < algorithm->workspace || algorithm->epilogue != d->epilogue)
        cuda_host_fault("a way to multiply that was asked for another shape");
    check_memory(a, a_layout, algorithm->alignment[0], "the first factor of a product");
    check_memory(b, b_layout, algorithm->alignment[1], "the second factor of a product");
    check_memory(out, out_layout, algorithm->alignment[3], "the result of a product");
    cuda_host_memory_check(workspace, workspace_bytes, "a product's working memory");
    if ((d->bias != NULL) != (d->epilogue != CUBLASLT_EPILOGUE_DEFAULT))
        cuda_host_fault("a bias without its epilogue, or an epilogue without its bias");
    if (d->bias)
        cuda_host_memory_check(d->bias, (d->epilogue == CUBLASLT_EPILOGUE_BGRADB ? n : m) * sizeof(float), "a bias");
    const job j = {
        *d, *a_layout, *b_layout, *out_layout, a, b, out, *(const float *)alpha, *(const float *)beta, k};
    cuda_host_stream_check(stream, "a product");
    stream->work.push_back([j] { multiply(j); });
    return CUBLAS_STATUS_SUCCESS;
}
