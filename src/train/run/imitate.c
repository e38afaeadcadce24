#include "config.h"

#include "train/run/imitate.h"

#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"

const struct param imitate_params[] = {
    {.name = "ptx-data", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "Texts that the model goes on imitating while it is tuned; of rows of other kinds the first or chosen "
             "answers."},
    {.name = "ptx-batch", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e6, .unit = "texts", .group = "data",
     .help = "How many of them each update has; 0: as many as batch-size."},
    {0}};

static const struct objective *imitation(void)
{
    const struct objective *sft;
    BUG_IF(objective_find(&sft, "sft", NULL));
    return sft;
}

int run_check_texts(const struct settings *s, struct err *e)
{
    const char *path = settings_text(s, "ptx-data");
    if (*path && !file_exists(path))
        return err_set(e, ERR_NOT_FOUND, "ptx-data: there is no file %s", path);
    if (*path)
        return corpus_check_needs(path, objective_data_text(imitation()), false, &(struct corpus_reading){"", ""}, e);
    return err_set(e, ERR_USAGE, "this objective imitates texts while it is tuned: name a file of them with ptx-data (or "
                                 "choose ppo, which does without)");
}

int run_load_texts(struct run *r, struct err *e)
{
    const char *path = settings_text(&r->settings, "ptx-data");
    int code = run_check_texts(&r->settings, e);
    if (!code)
        code = corpus_load_as(&r->texts_corpus, path, 0, &(struct corpus_reading){"", ""}, e);
    if (!code && !settings_bool(&r->settings, "allow-refused"))
        code = corpus_check_refused(r->texts_corpus, e);
    return code ? code : objective_check_data(imitation(), r->texts_corpus->kind, path, e);
}

int run_build_texts(struct run *r, struct err *e)
{
    struct dataset_options how = {0};
    struct sha256 both;
    dataset_options_for(&how, imitation(), (struct needs){0}, r->text.seed);
    how.rules = r->text.rules;
    int code = dataset_build(&r->texts, r->texts_corpus, NULL, 0, &how, e);
    if (!code)
        code = run_check_vocabulary(r, &r->texts, e);
    if (code)
        return code;
    dataset_refuse_left_out(&r->texts, r->texts_corpus);
    if (!settings_bool(&r->settings, "allow-refused") && (code = corpus_check_refused(r->texts_corpus, e)) != 0)
        return code;
    if (r->texts.n_left_out)
        recorder_event(
            r->recorder, 0, "warn", "data", 0, "of the imitated texts %d %s left out, the first is line %lld: %s",
            r->texts.n_left_out, text_plural(r->texts.n_left_out, "is", "are"),
            (long long)r->texts_corpus->examples[r->texts.left_out[0].example].line, r->texts.left_out[0].reason);
    if (r->texts.n_cut)
        recorder_event(r->recorder, 0, "warn", "data", 0, "of %d imitated texts %d are shortened to %d tokens",
                       r->texts.n_groups, r->texts.n_cut, r->rules.max_length);
    sha256_init(&both);
    sha256_add(&both, r->train.hash, strlen(r->train.hash));
    sha256_add(&both, r->texts.hash, strlen(r->texts.hash));
    sha256_hex(&both, r->train.hash);
    return 0;
}

int run_add_texts(struct run *r, struct err *e)
{
    const int64_t n = settings_int(&r->settings, "ptx-batch"), batch = settings_int(&r->settings, "batch-size");
    return trainer_add_texts(r->trainer, &r->texts, (int)(n ? n : batch), e);
}
