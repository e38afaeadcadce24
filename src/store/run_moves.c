// Folders that move with a transaction: noted, so that they go back where it fails.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/store_internal.h"

int moves_make(struct moves *m, const char *from, const char *to, struct err *e)
{
    if (rename(from, to) != 0)
        return err_errno(e, "cannot move the folder %s to %s", from, to);
    MEM_GROW(m->list, m->n, m->cap);
    m->list[m->n++] = (struct move){mem_strdup(from), mem_strdup(to)};
    return 0;
}

void moves_end(struct moves *m, bool take_back)
{
    while (m->n > 0) {
        struct move *move = &m->list[--m->n];
        char *dirs[] = {path_dir(move->from), path_dir(move->to)};
        const bool back = take_back && rename(move->to, move->from) == 0;
        (void)back; // where it is not, "remove" and "--restore" find the folder where it is
        for (int i = 0; i < 2; i++) {
            file_sync_dir(dirs[i], NULL);
            free(dirs[i]);
        }
        free(move->from);
        free(move->to);
    }
    free(m->list);
    *m = (struct moves){0};
}
