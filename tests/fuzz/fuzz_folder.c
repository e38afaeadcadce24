#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fuzz.h"

static char *folder;

static void remove_folder(void)
{
    file_remove_tree(folder, NULL);
    free(folder);
}

const char *fuzz_folder(void)
{
    if (folder)
        return folder;
    const char *base = getenv("TMPDIR");
    folder = path_join(base ? base : "/tmp", "attune-fuzz-XXXXXX");
    MUST(mkdtemp(folder));
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const uint8_t *data, size_t n)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *f = fopen(path, "wb"); // not file_write: syncing each input would take most of the time
    MUST(f);
    MUST(n == 0 || fwrite(data, 1, n, f) == n);
    MUST(fclose(f) == 0);
    return path;
}
