// Calls that are made again and again with the same arguments, as decoding makes them a token, and training a small batch:
// recorded as a graph, which is then queued at once (the contract's replay()). The first time a key is seen its calls are
// made as they are, so that scratch has its size and products their ways; the second time they are recorded.
#include "gpu/product.cuh"

#include <stdlib.h>
#include <string.h>

enum { N_RECORDINGS = 96, KEY_BYTES = 192 };

struct recording {
    unsigned char key[KEY_BYTES];
    size_t n_key; // 0: nothing has been seen
    size_t last;  // when it was asked for
    cudaGraphExec_t graph; // NULL: seen, not recorded
};
struct recordings {
    struct recording all[N_RECORDINGS];
    size_t now;
    struct recording *open; // what is being recorded
};

static void forget(struct recording *r)
{
    if (r->graph)
        cudaGraphExecDestroy(r->graph); // what is under way ends first
    memset(r, 0, sizeof *r);
}

void gpu_forget_recordings(struct backend *b)
{
    for (int i = 0; b->recordings && i < N_RECORDINGS; i++)
        forget(&b->recordings->all[i]);
}

void gpu_recordings_close(struct backend *b)
{
    gpu_forget_recordings(b);
    free(b->recordings);
    b->recordings = NULL;
}

bool gpu_records(const struct backend *b)
{
    return true;
}

static struct recording *find(struct recordings *all, const void *key, size_t n)
{
    struct recording *oldest = &all->all[0];
    for (int i = 0; i < N_RECORDINGS; i++) {
        struct recording *r = &all->all[i];
        if (r->n_key == n && memcmp(r->key, key, n) == 0)
            return r;
        oldest = r->last < oldest->last ? r : oldest;
    }
    forget(oldest);
    return oldest;
}

bool gpu_replay(struct backend *b, const void *key, size_t n)
{
    if (!b->recordings)
        b->recordings = (struct recordings *)calloc(1, sizeof *b->recordings);
    struct recordings *all = b->recordings;
    if (b->failed || !all || n == 0 || n > KEY_BYTES)
        return false;
    struct recording *r = find(all, key, n);
    r->last = ++all->now;
    gpu_here(b);
    if (r->graph) {
        b->queued = true;
        gpu_check(b, cudaGraphLaunch(r->graph, b->stream), "a recorded graph");
        return true;
    }
    if (r->n_key && gpu_check(b, cudaStreamBeginCapture(b->stream, cudaStreamCaptureModeThreadLocal), "recording"))
        all->open = r;
    memcpy(r->key, key, n);
    r->n_key = n;
    return false;
}

bool gpu_is_recording(const struct backend *b)
{
    return b->recordings && b->recordings->open;
}

void gpu_recorded(struct backend *b)
{
    if (!gpu_is_recording(b))
        return;
    struct recording *r = b->recordings->open;
    cudaGraph_t graph = NULL;
    b->recordings->open = NULL;
    const cudaError_t code = cudaStreamEndCapture(b->stream, &graph);
    if (gpu_check(b, code, "recording") && gpu_check(b, cudaGraphInstantiate(&r->graph, graph, 0), "recording"))
        gpu_check(b, cudaGraphLaunch(r->graph, b->stream), "a recorded graph");
    if (graph)
        cudaGraphDestroy(graph);
}
