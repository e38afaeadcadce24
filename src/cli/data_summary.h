// What the commands of data files share: how rows are to be read, and what is said of all of them.
#pragma once

#include <jansson.h>

#include "cli/args.h"
#include "corpus/corpus.h"
#include "corpus/survey.h"

#define READING_PARAMS                                                                                                  \
    {.name = "map", .type = PARAM_TEXT, .fallback = "", .group = "data",                                                \
     .help = "Which member of a row is what, where the names do not say it: prompt=question,chosen=better,rejected=worse. " \
             "Paths lead into members: prompt=question.text."},                                                         \
    {.name = "label-from", .type = PARAM_TEXT, .fallback = "", .group = "data",                                         \
     .help = "Which of several labels counts, such as safer (instead of better) or correctness."}

struct corpus_reading data_reading(const struct args *a);

json_t *data_summary_json(const struct corpus *c, const struct survey *s); // a new reference
void data_summary_print(const struct corpus *c, const struct survey *s);
