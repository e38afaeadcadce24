// Finding and loading the plugin: ATTUNE_CUDA (a file; nothing else is tried then), beside the program, ../lib/attune
// from there, and where `make install` puts it.
#include "config.h"

#include "gpu/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN "attune-cuda.so"
#define ENTRY "attune_backend_cuda"

// Pointers to operations stand behind abi and name.
static int n_missing(const struct backend_ops *ops)
{
    const size_t first = offsetof(struct backend_ops, n_devices);
    int n = 0;
    for (size_t at = first; at < sizeof *ops; at += sizeof(void *)) {
        const void *operation;
        memcpy(&operation, (const char *)ops + at, sizeof operation);
        n += !operation;
    }
    return n;
}

static int load(const char *path, const struct backend_ops **out, struct err *e)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(e, ERR_UNSUPPORTED, "its plugin cannot be loaded: %s", dlerror());
    const struct backend_ops *(*entry)(void) = NULL;
    *(void **)(void *)&entry = dlsym(library, ENTRY);
    const struct backend_ops *ops = entry ? entry() : NULL;
    int code = 0;
    if (!ops)
        code = err_set(e, ERR_UNSUPPORTED, "%s is no plugin of Attune: it has no %s", path, ENTRY);
    else if (ops->abi != BACKEND_ABI)
        code = err_set(e, ERR_UNSUPPORTED, "%s belongs to another version of Attune (its interface is number %u, this "
                       "program's %d): install the two together", path, ops->abi, BACKEND_ABI);
    else if (n_missing(ops))
        code = err_set(e, ERR_UNSUPPORTED, "the CUDA backend is not finished: %d of its operations are missing",
                       n_missing(ops));
    if (code)
        dlclose(library);
    else
        *out = ops;
    return code;
}

static int find(char path[PATH_MAX], struct err *e)
{
    const char *named = getenv("ATTUNE_CUDA");
    if (named && *named) {
        snprintf(path, PATH_MAX, "%s", named);
        return access(path, R_OK) == 0 ? 0 : err_errno(e, "ATTUNE_CUDA=%s cannot be read", named);
    }
    static const char *const places[] = {"/" PLUGIN, "/../lib/attune/" PLUGIN};
    char program[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(program, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        const int length = snprintf(path, PATH_MAX, "%.*s%s", (int)(slash - program), program, places[i]);
        if (length < PATH_MAX && access(path, R_OK) == 0)
            return 0;
    }
    snprintf(path, PATH_MAX, "%s", ATTUNE_PLUGINDIR "/" PLUGIN);
    if (access(path, R_OK) == 0)
        return 0;
    return err_set(e, ERR_UNSUPPORTED, "this Attune was built without CUDA: there is no %s beside it and none in %s", PLUGIN,
                   ATTUNE_PLUGINDIR);
}

int cuda_plugin(const struct backend_ops **out, struct err *e)
{
    static const struct backend_ops *loaded;
    char path[PATH_MAX];
    int code = loaded ? 0 : find(path, e);
    if (!code && !loaded)
        code = load(path, &loaded, e);
    if (!code)
        *out = loaded;
    return code;
}
