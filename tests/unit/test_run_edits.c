// What people change about runs: tags, notes, names, the archive and the trash, and taking all of it back.
#include "config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include "store/run_db.h"
#include "store/run_edits.h"

struct project {
    char *dir;
    struct store *s;
};

static void add(struct project *p, const char *name, const char *model)
{
    char *out = NULL;
    json_t *settings = json_pack("{s:f, s:s, s:[{s:s}]}", "beta", 0.1, "model", model, "plan", "from", model);
    assert_ok(store_add_run(p->s, name, "dpo", model, "d.jsonl", settings, &out, e));
    json_decref(settings);
    free(out);
}

static void open_project(struct project *p)
{
    p->dir = test_folder();
    assert_ok(store_open(&p->s, p->dir, true, e));
    add(p, "a", "m");
    add(p, "b", "m");
}

static void close_project(struct project *p)
{
    store_close(p->s);
    assert_ok(file_remove_tree(p->dir, e));
    free(p->dir);
}

static int edit(struct project *p, const char *run, enum run_attribute what, const char *value, struct err *e)
{
    return store_edit(p->s, &(struct run_edit){run, what, value}, 1, e);
}

static void undo(struct project *p, const char *expected)
{
    struct str said = {0};
    assert_ok(store_undo(p->s, &said, e));
    assert_string_equal(str_text(&said), expected);
    str_fini(&said);
}

static void redo(struct project *p, const char *expected)
{
    struct str said = {0};
    assert_ok(store_redo(p->s, &said, e));
    assert_string_equal(str_text(&said), expected);
    str_fini(&said);
}

static void nothing_left(struct project *p, bool back)
{
    struct str said = {0};
    struct err fault = {0};
    assert_int_equal(back ? store_undo(p->s, &said, &fault) : store_redo(p->s, &said, &fault), ERR_NOT_FOUND);
    assert_int_equal(said.len, 0);
}

// "a b" of the runs there.
static void shelf_is(struct project *p, enum run_shelf shelf, const char *names)
{
    struct run_info *runs = NULL;
    int n = 0;
    struct str found = {0};
    assert_ok(store_runs_on(p->s, shelf, &runs, &n, e));
    for (int i = 0; i < n; i++)
        str_addf(&found, "%s%s", i ? " " : "", runs[i].name);
    assert_string_equal(str_text(&found), names);
    run_infos_free(runs, n);
    str_fini(&found);
}

static char *path_in(struct project *p, const char *name)
{
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    return path;
}

static void put(struct project *p, const char *name, const char *text)
{
    assert_ok(file_write(path_in(p, name), text, strlen(text), e));
}

static void tags(const char *before, const char *words, const char *after)
{
    char *out = NULL;
    assert_ok(run_tags_change(before, words, &out, e));
    assert_string_equal(out, after);
    free(out);
}

static void tags_are_added_and_removed(void **state)
{
    char *out = NULL;
    struct err fault = {0};
    tags("", "+hh", "hh");
    tags("hh", "+b debug, -none", "b,debug,hh");
    tags("b,debug,hh", "-DEBUG -b", "hh");
    tags("hh", "+HH", "hh");
    tags("hh", "-hh", "");
    tags("", "", "");
    assert_int_equal(run_tags_change("", "+a b;c", &out, &fault), ERR_USAGE);
    assert_non_null(strstr(fault.text, "\"b;c\" cannot be a tag"));
    assert_int_equal(run_tags_change("", "+", &out, &fault), ERR_USAGE);
    assert_int_equal(run_tags_change("", "x\033[2J", &out, &fault), ERR_USAGE);
    assert_null(strchr(fault.text, '\033'));
    assert_null(out);
}

static void changes_are_undone_and_done_again_also_later(void **state)
{
    struct project p;
    struct run_info run;
    open_project(&p);
    nothing_left(&p, true);
    assert_ok(edit(&p, "a", ATTRIBUTE_NOTE, "first", e));
    assert_ok(edit(&p, "a", ATTRIBUTE_NOTE, "first", e)); // changes nothing, and is nothing to undo
    assert_ok(edit(&p, "a", ATTRIBUTE_TAGS, "hh", e));
    assert_ok(edit(&p, "b", ATTRIBUTE_PINNED, "1", e));
    store_close(p.s);
    assert_ok(store_open(&p.s, p.dir, false, e));
    assert_ok(store_find_run(p.s, "b", &run, e));
    assert_true(run.pinned);
    run_info_fini(&run);
    undo(&p, "b is not pinned");
    undo(&p, "a has no tags");
    redo(&p, "a has the tags \"hh\"");
    undo(&p, "a has no tags");
    undo(&p, "a has no note");
    nothing_left(&p, true);
    redo(&p, "a has the note \"first\"");
    assert_ok(edit(&p, "a", ATTRIBUTE_NOTE, "second", e)); // what was undone is over
    nothing_left(&p, false);
    undo(&p, "a has the note \"first\"");
    undo(&p, "a has no note");
    nothing_left(&p, true);
    close_project(&p);
}

static void an_act_is_whole(void **state)
{
    struct project p;
    struct err fault = {0};
    open_project(&p);
    struct run_edit both[] = {{"a", ATTRIBUTE_ARCHIVED, "1"}, {"b", ATTRIBUTE_TRASHED, "1"}};
    assert_ok(store_edit(p.s, both, 2, e));
    shelf_is(&p, SHELF_ARCHIVE, "a");
    shelf_is(&p, SHELF_TRASH, "b");
    undo(&p, "b is out of the trash; a is on the list");
    shelf_is(&p, SHELF_LIST, "a b");
    struct run_edit broken[] = {{"a", ATTRIBUTE_TRASHED, "1"}, {"nobody", ATTRIBUTE_ARCHIVED, "1"}};
    assert_int_equal(store_edit(p.s, broken, 2, &fault), ERR_NOT_FOUND);
    shelf_is(&p, SHELF_LIST, "a b");
    assert_true(file_is_dir(path_in(&p, "runs/a")));
    close_project(&p);
}

static void the_trash_gives_back_or_frees(void **state)
{
    struct project p;
    struct run_info *trash;
    struct err fault = {0};
    int n;
    int64_t bytes = 0;
    open_project(&p);
    put(&p, "runs/a/big", "0123456789");
    assert_int_equal(store_purge(p.s, "a", &bytes, &fault), ERR_STATE);
    assert_ok(edit(&p, "a", ATTRIBUTE_TRASHED, "1", e));
    assert_false(file_exists(path_in(&p, "runs/a")));
    assert_true(file_is_regular(path_in(&p, "trash/a/big")));
    struct run_info run = {0};
    assert_int_equal(store_find_run(p.s, "a", &run, &fault), ERR_NOT_FOUND);
    assert_non_null(strstr(fault.text, "in the trash"));
    assert_int_equal(edit(&p, "a", ATTRIBUTE_NOTE, "x", &fault), ERR_STATE);
    char *name = NULL;
    assert_int_equal(store_add_run(p.s, "A", "dpo", "m", "d", NULL, &name, &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "--purge"));
    assert_ok(edit(&p, "a", ATTRIBUTE_TRASHED, "0", e));
    assert_true(file_is_regular(path_in(&p, "runs/a/big")));
    undo(&p, "a is in the trash");
    assert_ok(store_runs_on(p.s, SHELF_TRASH, &trash, &n, e));
    assert_int_equal(n, 1);
    assert_true(trash[0].trashed_ms > 0);
    assert_true(store_run_bytes(p.s, &trash[0]) >= 10);
    run_infos_free(trash, n);
    assert_ok(store_purge(p.s, "a", &bytes, e));
    assert_true(bytes >= 10);
    assert_false(file_exists(path_in(&p, "trash/a")));
    shelf_is(&p, SHELF_TRASH, "");
    nothing_left(&p, true); // what is gone cannot be undone
    assert_int_equal(store_find_run(p.s, "a", &run, &fault), ERR_NOT_FOUND);
    add(&p, "a", "m"); // its name is free again
    assert_ok(store_find_run(p.s, "a", &run, e));
    assert_int_equal(run.id, 3); // its number is not
    run_info_fini(&run);
    close_project(&p);
}

static void a_move_that_was_cut_short_is_finished(void **state)
{
    struct project p;
    struct err fault = {0};
    open_project(&p);
    assert_int_equal(mkdir(path_in(&p, "trash"), 0777), 0);
    char *from = store_run_dir(p.s, "a"), *to = store_trash_dir(p.s, "a");
    assert_int_equal(rename(from, to), 0); // and the power went out before the commit
    assert_ok(edit(&p, "a", ATTRIBUTE_TRASHED, "1", e));
    undo(&p, "a is out of the trash");
    assert_true(file_is_dir(from));
    assert_int_equal(mkdir(to, 0777), 0);
    assert_int_equal(edit(&p, "a", ATTRIBUTE_TRASHED, "1", &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "there already"));
    free(from);
    free(to);
    close_project(&p);
}

static void names_change_with_all_that_names_them(void **state)
{
    struct project p;
    struct run_info run;
    struct err fault = {0};
    struct str names = {0};
    char model[700], longer[700];
    open_project(&p);
    snprintf(model, sizeof model, "%s/runs/a/checkpoints/step-3", p.dir);
    snprintf(longer, sizeof longer, "%s/runs/a2/checkpoints/step-3", p.dir);
    add(&p, "child", model);
    add(&p, "other", longer);
    put(&p, "runs/a/x", "1");
    assert_ok(store_dependents(p.s, "a", &names, e));
    assert_string_equal(str_text(&names), "child");
    assert_int_equal(edit(&p, "a", ATTRIBUTE_NAME, "B", &fault), ERR_STATE);
    assert_int_equal(edit(&p, "a", ATTRIBUTE_NAME, "../b", &fault), ERR_USAGE);
    assert_ok(edit(&p, "a", ATTRIBUTE_NAME, "warm", e));
    assert_true(file_is_regular(path_in(&p, "runs/warm/x")));
    assert_true(file_is_regular(path_in(&p, "runs/a/x"))); // what files of "child" say of "a" leads there
    assert_ok(store_find_run(p.s, "child", &run, e));
    snprintf(model, sizeof model, "%s/runs/warm/checkpoints/step-3", p.dir);
    assert_string_equal(run.model, model);
    assert_string_equal(json_string_value(json_object_get(run.settings, "model")), model);
    assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(run.settings, "plan"), 0), "from")),
                        model);
    run_info_fini(&run);
    assert_ok(store_find_run(p.s, "other", &run, e));
    assert_string_equal(run.model, longer);
    run_info_fini(&run);
    assert_ok(edit(&p, "warm", ATTRIBUTE_NAME, "base", e));
    assert_true(file_is_regular(path_in(&p, "runs/a/x")));
    assert_true(file_is_regular(path_in(&p, "runs/warm/x")));
    undo(&p, "base is named warm");
    undo(&p, "warm is named a");
    struct stat st;
    assert_int_equal(lstat(path_in(&p, "runs/a"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    assert_ok(edit(&p, "b", ATTRIBUTE_NAME, "c", e)); // nobody reads it: the old name is free
    assert_int_equal(lstat(path_in(&p, "runs/b"), &st), -1);
    str_fini(&names);
    close_project(&p);
}

static void parts_of_experiments_keep_their_names(void **state)
{
    struct project p;
    struct err fault = {0};
    open_project(&p);
    add(&p, "a.sft", "m");
    assert_ok(store_set_note(p.s, "a.sft", "part of a", e));
    assert_int_equal(edit(&p, "a", ATTRIBUTE_NAME, "x", &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "a.sft"));
    assert_int_equal(edit(&p, "a.sft", ATTRIBUTE_NAME, "x", &fault), ERR_STATE);
    close_project(&p);
}

static void a_run_that_trains_stays(void **state)
{
    struct project p;
    struct run_writer *w;
    struct err fault = {0};
    struct run_status status = {.state = RUN_RUNNING, .step = 3};
    open_project(&p);
    char *dir = store_run_dir(p.s, "a");
    assert_ok(run_writer_open(&w, dir, e));
    run_status_self(&status);
    assert_ok(run_writer_begin(w, e));
    assert_ok(run_writer_status(w, &status, e));
    assert_ok(run_writer_commit(w, e));
    assert_int_equal(edit(&p, "a", ATTRIBUTE_NAME, "x", &fault), ERR_STATE);
    assert_non_null(strstr(fault.text, "is running and cannot be renamed"));
    assert_int_equal(edit(&p, "a", ATTRIBUTE_TRASHED, "1", &fault), ERR_STATE);
    assert_ok(edit(&p, "a", ATTRIBUTE_TAGS, "hot", e));
    assert_ok(edit(&p, "a", ATTRIBUTE_ARCHIVED, "1", e));
    run_writer_close(w);
    free(dir);
    close_project(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_added_and_removed),
        cmocka_unit_test(changes_are_undone_and_done_again_also_later),
        cmocka_unit_test(an_act_is_whole),
        cmocka_unit_test(the_trash_gives_back_or_frees),
        cmocka_unit_test(a_move_that_was_cut_short_is_finished),
        cmocka_unit_test(names_change_with_all_that_names_them),
        cmocka_unit_test(parts_of_experiments_keep_their_names),
        cmocka_unit_test(a_run_that_trains_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
