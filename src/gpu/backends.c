// The table of backends: those that are linked into the engine, and the plugin.
#include "config.h"

#include <string.h>

#include "cpu/cpu.h"
#include "gpu/plugin.h"

const char *const backend_names[] = {"cuda", "cpu", NULL};

const struct backend_ops *backend_load(const char *name, struct err *e)
{
    const struct backend_ops *ops = NULL;
    if (strcmp(name, "cpu") == 0)
        return &backend_cpu;
    if (strcmp(name, "cuda") == 0)
        return cuda_plugin(&ops, e) == 0 ? ops : NULL;
    err_set(e, ERR_UNSUPPORTED, "there is no backend of that name");
    return NULL;
}

const struct backend_ops *backend_find(const char *name)
{
    return backend_load(name, NULL);
}

int backend_try(const char *name, struct err *e)
{
    struct backend *b;
    const struct backend_ops *ops = backend_load(name, e);
    if (!ops)
        return ERR_UNSUPPORTED;
    const int code = ops->open(&b, &(struct backend_options){.n_threads = 1}, e);
    if (!code)
        ops->close(b);
    return code;
}
