// A desk in a project of its own, with a file of pairs: what tests of labelling begin with.
#pragma once

#include "testing.h"

#include "base/mem.h"
#include "ui/label/label_desk.h"

enum { N = 40 };
static char *dir, *data;
static struct label_desk *desk;
static struct label_shown now;
static bool with_save;

static void open_as(const char *who)
{
    label_desk_close(desk);
    label_shown_fini(&now);
    assert_ok(label_desk_open(&desk, dir, who, e));
}

static int set_up(void **state)
{
    struct str s = {0};
    dir = test_folder();
    data = path_join(dir, "pairs.jsonl");
    for (int i = 1; i <= N; i++)
        str_addf(&s, "{\"prompt\": \"question %d\", \"chosen\": \"good answer %d\", \"rejected\": \"bad %d\"}\n", i, i,
                 i);
    assert_ok(file_write(data, s.data, s.len, e));
    str_fini(&s);
    desk = NULL;
    with_save = true;
    now = (struct label_shown){0};
    open_as("ann");
    return 0;
}

static int tear_down(void **state)
{
    label_desk_close(desk);
    label_shown_fini(&now);
    assert_ok(file_remove_tree(dir, e));
    free(data);
    free(dir);
    return 0;
}

static int ask_code(struct label_request r, struct err *e)
{
    label_shown_fini(&now);
    return label_desk_do(desk, &r, &now, e);
}

static void ask(struct label_request r)
{
    assert_ok(ask_code(r, e));
}

static void open_file(double repeats)
{
    ask((struct label_request){.what = LABEL_FILE, .text = data, .repeats = repeats, .seed = 5});
}

static void judge(enum verdict v)
{
    ask((struct label_request){.what = LABEL_JUDGE, .verdict = v, .seconds = 4});
    const int64_t number = now.has_pair ? now.number : 0;
    const bool swapped = now.swapped;
    const int n_done = now.tally.n_done;
    if (!with_save)
        return;
    ask((struct label_request){.what = LABEL_SAVE});
    assert_true(number == 0 || now.number == number); // the pair that was shown at once is the right one
    assert_true(number == 0 || now.swapped == swapped);
    assert_int_equal(now.tally.n_done, n_done);
}

// The good answer is A; on the left unless the sides are exchanged.
static void prefer_good(void)
{
    judge(now.swapped ? VERDICT_B : VERDICT_A);
}
