// attune-engine sample: JSON lines.
#include "config.h"

#include "model/generator.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/sampling.h"

static int print_row(void *arg, json_t *row, struct err *e)
{
    return engine_print(row, e);
}

int engine_sample(const struct settings *s, char **words, int n_words, struct err *e)
{
    struct sampling *x;
    int code = sampling_start(&x, s, words, n_words, print_row, NULL, e);
    if (code)
        return code;
    while (!code && !sampling_is_done(x) && generator_is_busy(sampling_generator(x)))
        code = generator_step(sampling_generator(x), e);
    if (!code)
        code = sampling_fault(x, e);
    sampling_free(x);
    return code;
}
