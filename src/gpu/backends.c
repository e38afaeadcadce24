// The table of backends that are linked into the engine.
#include "config.h"

#include <string.h>

#include "cpu/cpu.h"

const struct backend_ops *const backends[] = {&backend_cpu, NULL};

const struct backend_ops *backend_find(const char *name)
{
    for (int i = 0; backends[i]; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}
