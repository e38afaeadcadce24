// Whether a file can be what somebody needs, told before a run is made of it.
#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "corpus/corpus.h"

int corpus_check_needs(const char *path, const char *needs, bool pairs_from_lists, const struct corpus_reading *how,
                       struct err *e)
{
    enum { AT_MOST = 32 * 1024 * 1024, ROWS = 20 };
    struct stat st;
    struct corpus *c = NULL;
    struct err fault = {0};
    if (!*needs || stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > AT_MOST || // a pipe can be read once only
        corpus_load_as(&c, path, ROWS, how, &fault))
        return 0;
    const char *kind = data_kind_name(c->kind);
    const bool makes_pairs = c->kind == DATA_LIST && strstr(needs, data_kind_name(DATA_PAIR));
    corpus_free(c);
    if (strstr(needs, kind) || strstr(needs, data_kind_name(DATA_PROMPT)) || // prompts are in rows of every kind
        (makes_pairs && pairs_from_lists))
        return 0;
    return err_set(e, ERR_USAGE, "learns from %s, but %s holds %s: choose other data or another objective%s", needs, path,
                   kind, makes_pairs ? ", or make pairs of them with pairs-from-lists best-worst (or all)" : "");
}
