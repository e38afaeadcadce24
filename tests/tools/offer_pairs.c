// Does what an engine does that wants pairs judged, without training:
//
//     tests/tools/offer_pairs PROJECT RUN N          offers N pairs, of step 1, 2, ... ("question 1", "answer A 1", ...)
//     tests/tools/offer_pairs PROJECT RUN taken ID   or "expired": closes one
//
// The run is made where it is not there yet.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/labels.h"

static int fail(const struct err *e)
{
    fprintf(stderr, "offer_pairs: %s\n", e->text);
    return 1;
}

static int offer(struct run_writer *w, int i, struct err *e)
{
    char prompt[64], a[64], b[64];
    int64_t id;
    snprintf(prompt, sizeof prompt, "question %d", i);
    snprintf(a, sizeof a, "answer A %d", i);
    snprintf(b, sizeof b, "answer B %d", i);
    const struct asked_pair p = {.step = i, .at_ms = clock_wall_ms(), .prompt = prompt, .a = a, .b = b, .model = "step 0",
                                 .tokens = &i, .n_token_bytes = sizeof i};
    return run_writer_offer(w, &p, &id, e);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct store *s;
    struct run_info info;
    struct run_writer *w;
    int64_t number = 0;
    const bool closes = argc == 5 && (strcmp(argv[3], "taken") == 0 || strcmp(argv[3], "expired") == 0);
    if ((argc != 4 && !closes) || !text_to_i64(argv[closes ? 4 : 3], &number)) {
        fprintf(stderr, "usage: offer_pairs PROJECT RUN N | PROJECT RUN taken|expired ID\n");
        return 2;
    }
    if (store_open(&s, argv[1], true, &e))
        return fail(&e);
    char *name = NULL;
    if (store_find_run(s, argv[2], &info, NULL) == 0)
        run_info_fini(&info);
    else if (store_add_run(s, argv[2], "online-dpo", "m", "d.jsonl", NULL, &name, &e))
        return fail(&e);
    free(name);
    char *dir = store_run_dir(s, argv[2]);
    store_close(s);
    if (run_writer_open(&w, dir, &e) || run_writer_begin(w, &e))
        return fail(&e);
    int code = 0;
    if (closes)
        code = run_writer_close_pair(w, number, strcmp(argv[3], "taken") == 0 ? PAIR_TAKEN : PAIR_EXPIRED, number, &e);
    for (int i = 1; !closes && !code && i <= number; i++)
        code = offer(w, i, &e);
    if (code || run_writer_commit(w, &e))
        return fail(&e);
    run_writer_close(w);
    free(dir);
    return 0;
}
