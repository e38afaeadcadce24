#include "config.h"

#include <stdlib.h>

#include "corpus/survey.h"
#include "text/tokenizer.h"

int64_t survey_tokens(void *tokenizer, const char *text, size_t n_bytes)
{
    int32_t *ids = NULL;
    size_t n = 0;
    if (tokenizer_encode(tokenizer, text, n_bytes, false, false, &ids, &n, NULL))
        return -1;
    free(ids);
    return (int64_t)n;
}
