// The label page in the real program, over a file of a hundred pairs.
#pragma once

#include "testing.h"

#include "base/mem.h"
#include "store/label_sets.h"
#include "store/labels_pending.h"
#include "ui/fixture.h"
#include "ui/rig.h"

enum { N = 100 };
static char *dir, *data;

static void write_pairs(int n)
{
    struct str s = {0};
    for (int i = 1; i <= n; i++)
        str_addf(&s,
                 "{\"prompt\": \"question %03d\", \"chosen\": \"good answer %03d\", \"rejected\": \"bad answer %03d, "
                 "and longer\"}\n",
                 i, i, i);
    assert_ok(file_write(data, s.data, s.len, e));
    str_fini(&s);
}

static int set_up(void **state)
{
    dir = test_folder();
    data = path_join(dir, "tasks.jsonl");
    write_pairs(N);
    return 0;
}

static int tear_down(void **state)
{
    assert_ok(file_remove_tree(dir, e));
    free(data);
    free(dir);
    return 0;
}

static void start_sized(struct rig *r, int width, int height, const char *locale)
{
    const char *args[] = {"label", data, "--annotator", "ann", "--seed", "7", "--repeats", "0", NULL};
    rig_start(r,
              &(struct rig_options){.project = dir, .width = width, .height = height, .args = args, .locale = locale});
}

static void start(struct rig *r)
{
    start_sized(r, 80, 24, NULL);
}

static void wait_count(struct rig *r, int done, int all)
{
    char text[40];
    snprintf(text, sizeof text, " %d/%d ", done, all);
    rig_wait(r, text);
}

// Judgements of the set that stand, in the order in which they were given; `all`: how many rows there are.
static int read_standing(struct judgement **out, int *all)
{
    struct store *s;
    struct label_set *sets;
    struct judgement *list;
    int n, n_sets, kept = 0;
    int64_t cursor = 0;
    assert_ok(store_open(&s, dir, false, e));
    assert_ok(store_check(s, e));
    assert_ok(labels_recover(s, NULL, e)); // as the next console does
    assert_ok(label_sets(s, &sets, &n_sets, e));
    assert_int_equal(n_sets, 1);
    assert_ok(label_set_since(s, sets[0].id, &cursor, &list, &n, e));
    *all = n;
    for (int i = 0; i < n; i++) {
        bool stands = list[i].verdict != VERDICT_UNDO;
        for (int k = i + 1; k < n && stands; k++)
            stands = list[k].supersedes != list[i].id;
        if (stands)
            list[kept++] = list[i];
        else
            judgement_fini(&list[i]);
    }
    label_sets_free(sets, n_sets);
    store_close(s);
    *out = list;
    return kept;
}

// Whether what the screen shows says that so many are saved.
static bool shows_count(struct rig *r, int done, int all)
{
    char text[40];
    snprintf(text, sizeof text, " %d/%d ", done, all);
    return rig_shows(r, text);
}
