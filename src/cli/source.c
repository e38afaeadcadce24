#include "config.h"

#include "cli/source.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "store/run_best.h"

// The step that "best" or a number says.
static int read_step(const struct look *l, const char *text, int64_t *step, struct err *e)
{
    const char *name = l->info.name;
    struct run_best best;
    if (strcmp(text, "best") != 0 && !text_to_i64(text, step))
        return err_set(e, ERR_USAGE, "\"%s\" is no step: write %s@200, %s@best or %s@base", text, name, name, name);
    if (strcmp(text, "best") != 0)
        return 0;
    struct err fault = {0};
    int code = run_best_read(l->dir, &best, &fault);
    if (code == ERR_NOT_FOUND)
        return err_set(e, ERR_NOT_FOUND, "run %s keeps no best checkpoint: it %s", name,
                       json_string_length(json_object_get(l->info.settings, "keep-best"))
                           ? "has not been evaluated yet" : "was started without --keep-best");
    if (code && e)
        *e = fault;
    *step = best.step;
    return code;
}

int source_no_checkpoint(const struct run_info *run, struct err *e)
{
    if (run_info_is_experiment(run))
        return err_set(e, ERR_STATE,
                       "%s is an experiment of several runs and has no checkpoint itself: name one of these, which "
                       "\"attune runs\" lists as %s.NAME",
                       run->name, run->name);
    return err_set(e, ERR_STATE, "run %s has no checkpoint yet; \"attune checkpoint %s\" asks for one", run->name,
                   run->name);
}

static int pick(const struct look *l, const struct run_checkpoint *list, int n, const char *step_text, char **out,
                struct err *e)
{
    int64_t step;
    const char *name = l->info.name;
    if (step_text && strcmp(step_text, "base") == 0) {
        *out = run_base_folder(l->info.model ? l->info.model : "");
        return *out ? 0 : err_set(e, ERR_NOT_FOUND, "the model that run %s began from is not there any more: %s", name,
                                  l->info.model ? l->info.model : "none is known");
    }
    if (n == 0)
        return source_no_checkpoint(&l->info, e);
    int at = n - 1;
    if (step_text) {
        int code = read_step(l, step_text, &step, e);
        if (code)
            return code;
        struct str have = {.max = 300};
        for (at = 0; at < n && list[at].step != step; at++)
            str_addf(&have, "%s%lld", at ? ", " : "", (long long)list[at].step);
        code = at == n ? err_set(e, ERR_NOT_FOUND, "run %s keeps no checkpoint of step %s; there are: %s", name, step_text,
                                     str_text(&have))
                           : 0;
        str_fini(&have);
        if (code)
            return code;
    }
    *out = path_join(l->dir, list[at].path);
    if (file_is_dir(*out))
        return 0;
    int gone = err_set(e, ERR_NOT_FOUND, "the checkpoint %s is not there any more", *out);
    free(*out);
    *out = NULL;
    return gone;
}

int source_checkpoint(const struct args *a, const char *name, char **out, struct err *e)
{
    struct store *s = NULL;
    struct look l = {0};
    struct run_checkpoint *list = NULL;
    int n = 0;
    const char *at = strchr(name, '@');
    char *run = at ? mem_strndup(name, (size_t)(at - name)) : mem_strdup(name);
    int code = look_project(a, false, &s, e);
    if (!code)
        code = look_open(&l, s, run, e);
    if (!code && l.reader)
        code = run_reader_checkpoints(l.reader, &list, &n, e);
    if (!code)
        code = pick(&l, list, n, at ? at + 1 : NULL, out, e);
    run_checkpoints_free(list, n);
    look_close(&l);
    store_close(s);
    free(run);
    return code;
}

int source_folder(const struct args *a, char **out, struct err *e)
{
    const char *model = args_text(a, "model"), *run = args_text(a, "run");
    if ((model != NULL) == (run != NULL))
        return err_set(e, ERR_USAGE, "name one model: --model DIR or --run NAME");
    if (run)
        return source_checkpoint(a, run, out, e);
    if (!file_exists(model)) {
        char *shared = *model == '/' ? NULL : path_share(model);
        if (shared && file_exists(shared)) {
            *out = shared;
            return 0;
        }
        free(shared);
        return err_set(e, ERR_NOT_FOUND, "there is no model folder %s", model);
    }
    *out = mem_strdup(model);
    return 0;
}

int source_model(const struct args *a, const char *word, char **out, struct err *e)
{
    char *shared = word[0] == '/' ? NULL : path_share(word);
    int code = 0;
    if (file_is_dir(word))
        *out = mem_strdup(word);
    else if (shared && file_is_dir(shared))
        *out = mem_strdup(shared);
    else if (strchr(word, '/'))
        code = err_set(e, ERR_NOT_FOUND, "there is no model folder %s", word);
    else
        code = source_checkpoint(a, word, out, e);
    free(shared);
    return code;
}

int source_pass_text(const struct args *a, const char **out, int n)
{
    static const char *const flags[] = {"--tokenizer", "--chat-template", "--system", "--special-tokens", "--map",
                                        "--label-from"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (settings_given(&a->settings, flags[i] + 2)) {
            out[n++] = flags[i];
            out[n++] = settings_text(&a->settings, flags[i] + 2);
        }
    return n;
}
