// Checkpoints in one process: a trainer that was put together again goes on with the same bits, both networks, and the
// folder is on the disk before it has its name.
#include "config.h"

#include "disk_trace.h"
#include "fixture.h"

#include <dirent.h>

#include "train/run/checkpoint.h"

static struct world world;
static const struct checkpoint_facts facts = {"any", "model", "data"};

static double train(struct bench *b, int steps)
{
    struct step_result r = {0};
    for (int i = 0; i < steps; i++)
        assert_ok(trainer_step(b->trainer, &r, e));
    return r.loss;
}

// The folder; heap.
static char *save(const struct bench *b, const char *run_dir)
{
    int64_t step;
    char *name;
    json_t *settings = json_object();
    assert_ok(checkpoint_write(b->trainer, run_dir, &facts, settings, NULL, SAVE_F32, 3, &name, e));
    json_decref(settings);
    free(name);
    char *folder = checkpoint_latest(run_dir, &step);
    assert_int_equal(step, b->trainer->step);
    return folder;
}

static void assert_same_memory(const struct bench *a, const struct bench *b, const float *x, const float *y, size_t n)
{
    float *p = malloc(n * sizeof *p), *q = malloc(n * sizeof *q);
    a->ops->download(a->backend, p, x, n * sizeof *p);
    b->ops->download(b->backend, q, y, n * sizeof *q);
    assert_memory_equal(p, q, n * sizeof *p);
    free(p);
    free(q);
}

static void assert_same_optimizer(const struct bench *a, const struct bench *b, const struct optimizer *x,
                                  const struct optimizer *y)
{
    assert_int_equal(x->t, y->t);
    assert_int_equal(x->n_blocks, y->n_blocks);
    for (int i = 0; i < x->n_blocks; i++) {
        assert_int_equal(x->blocks[i].n, y->blocks[i].n);
        assert_same_memory(a, b, x->blocks[i].weights, y->blocks[i].weights, x->blocks[i].n);
        assert_same_memory(a, b, x->m[i], y->m[i], x->blocks[i].n);
        assert_same_memory(a, b, x->v[i], y->v[i], x->blocks[i].n);
    }
}

static void assert_same_trainer(const struct bench *a, const struct bench *b)
{
    const struct trainer *x = a->trainer, *y = b->trainer;
    assert_int_equal(x->step, y->step);
    assert_memory_equal(x->options.objective.state, y->options.objective.state, sizeof x->options.objective.state);
    assert_same_optimizer(a, b, &x->optimizer, &y->optimizer);
    assert_int_equal(!x->value, !y->value);
    if (x->value)
        assert_same_optimizer(a, b, &x->value->optimizer, &y->value->optimizer);
}

static void a_resumed_trainer_goes_on_with_the_same_bits(void **state)
{
    static const struct bench_options rows[] = {
        {.objective = "dpo", .settings = "schedule=cosine warmup=2 lr=0.003", .steps = 6},
        {.objective = "dpo", .settings = "lr=0.01", .lora_rank = 2, .steps = 6},
        {.objective = "sft", .settings = "l1=0.05 lr=0.003", .steps = 6},
        {.objective = "bco", .settings = "lr=0.003", .steps = 6},
        {.objective = "dro-v", .settings = "lr=0.003 value-lr=0.01 schedule=linear", .steps = 6},
        {.objective = "dro-v", .settings = "lr=0.003 value-lr=0.01", .lora_rank = 2, .steps = 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench left, resumed;
        json_t *settings = NULL;
        char *dir = test_folder();
        bench_make(&left, &world, &rows[i]);
        bench_make(&resumed, &world, &rows[i]);
        train(&left, 3);
        char *folder = save(&left, dir);
        assert_ok(checkpoint_restore(resumed.trainer, folder, &facts, &settings, e));
        assert_same_trainer(&left, &resumed);
        assert_true(train(&left, 3) == train(&resumed, 3));
        assert_same_trainer(&left, &resumed);
        json_decref(settings);
        bench_free(&left);
        bench_free(&resumed);
        assert_ok(file_remove_tree(dir, e));
        free(folder);
        free(dir);
    }
}

static void a_checkpoint_of_something_else_is_refused(void **state)
{
    static const struct {
        struct checkpoint_facts facts;
        const char *settings, *why;
    } rows[] = {{{"other", "model", "data"}, "", "the objective"},
                {{"any", "other", "data"}, "", "the model's weights"},
                {{"any", "model", "other"}, "", "the data"},
                {{"any", "model", "data"}, "batch-size=5", "the batch size or the seed"},
                {{"any", "model", "data"}, "seed=9", "the batch size or the seed"}};
    struct bench b;
    char *dir = test_folder();
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 4});
    train(&b, 1);
    char *folder = save(&b, dir);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench other;
        struct err fault = {0};
        json_t *settings = NULL;
        bench_make(&other, &world, &(struct bench_options){.objective = "dpo", .settings = rows[i].settings, .steps = 4});
        assert_int_equal(checkpoint_restore(other.trainer, folder, &rows[i].facts, &settings, &fault), ERR_STATE);
        assert_non_null(strstr(fault.text, rows[i].why));
        assert_int_equal(other.trainer->step, 0);
        bench_free(&other);
    }
    bench_free(&b);
    assert_ok(file_remove_tree(dir, e));
    free(folder);
    free(dir);
}

static void the_newest_checkpoints_are_kept(void **state)
{
    struct bench b;
    char *dir = test_folder();
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 12});
    for (int step = 1; step <= 11; step++) { // by number: 10 is newer than 9
        train(&b, 1);
        free(save(&b, dir)); // keeps three
        for (int k = 1; k <= step; k++) {
            char name[40];
            snprintf(name, sizeof name, "checkpoints/step-%d", k);
            char *path = path_join(dir, name);
            assert_int_equal(file_is_dir(path), k > step - 3);
            free(path);
        }
    }
    bench_free(&b);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
}

// When a file that was synced whole got its name in that folder; -1: it did not.
static int came_whole(const char *dir, const char *name, int64_t size)
{
    struct str part = {0};
    char *path = path_join(dir, name);
    str_addf(&part, "%s.tmp", path);
    const int moved = disk_renamed(str_text(&part), path), synced = disk_synced(str_text(&part), size, 0);
    free(path);
    str_fini(&part);
    return synced >= 0 && synced < moved ? moved : -1;
}

static int last_rename_into(const char *dir)
{
    int last = -1;
    for (int i = 0; i < n_disk_events; i++)
        if (disk_events[i].kind == DISK_RENAME && text_starts(disk_events[i].to, dir) &&
            disk_events[i].to[strlen(dir)] == '/')
            last = i;
    return last;
}

// Whoever fills a folder syncs it himself when it is full, and does not rely on how the last file came there: with that
// file's own sync of the folder there are two.
static int syncs_between(const char *path, int from, int to)
{
    int n = 0;
    for (int at = from; (at = disk_synced(path, -1, at + 1)) >= 0 && at < to;)
        n++;
    return n;
}

// Every file whole on the disk before the folder gets its name, and the folder that it then stands in.
static void a_checkpoint_is_on_the_disk_before_it_has_its_name(void **state)
{
    struct bench b;
    char *dir = disk_folder(), *checkpoints = path_join(dir, "checkpoints");
    bench_make(&b, &world, &(struct bench_options){.objective = "dro-v", .steps = 4});
    train(&b, 1);
    disk_trace_begin();
    char *folder = save(&b, dir);
    char *temporary = path_join(checkpoints, "step-1.tmp"), *model = path_join(checkpoints, "step-1.tmp.tmp");
    const int named = disk_renamed(temporary, folder);
    assert_true(named >= 0);
    int n = 0, filled = -1;
    DIR *d = opendir(folder);
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        char *there = path_join(folder, entry->d_name);
        int moved = came_whole(temporary, entry->d_name, file_size(there));
        if (moved < 0) // the model's files come in a folder of their own
            moved = came_whole(model, entry->d_name, file_size(there));
        if (moved < 0)
            fail_msg("%s was not on the disk when it got its name", there);
        filled = moved > filled ? moved : filled;
        n++;
        free(there);
    }
    closedir(d);
    assert_true(n >= 5);
    assert_true(filled < named);
    assert_true(syncs_between(temporary, filled, named) >= 2);
    assert_true(disk_synced(checkpoints, -1, named) > named);
    free(folder);
    free(temporary);
    free(model);
    free(checkpoints);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    bench_free(&b);
}

// And what could not be brought to the disk gets none.
static void a_checkpoint_that_is_not_on_the_disk_gets_no_name(void **state)
{
    static const char *const refused[] = {"/step-2.tmp", "/state.json.tmp", "/state.safetensors.tmp",
                                          "/model.safetensors.tmp",
                                          // the last three by their new names
                                          "/step-2", "/state.json", "/model.safetensors"};
    struct bench b;
    char *dir = disk_folder();
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 4});
    train(&b, 1);
    char *before = save(&b, dir);
    train(&b, 1);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err fault = {0};
        int64_t step;
        char *name;
        json_t *settings = json_object();
        disk_trace_begin();
        *(i < 4 ? &disk_refuses : &disk_refuses_rename) = refused[i];
        assert_true(checkpoint_write(b.trainer, dir, &facts, settings, NULL, SAVE_F32, 3, &name, &fault) < 0);
        disk_trace_begin();
        assert_non_null(strstr(fault.text, "the checkpoint of step 2"));
        char *latest = checkpoint_latest(dir, &step);
        assert_string_equal(latest, before);
        assert_int_equal(step, 1);
        free(latest);
        json_decref(settings);
    }
    free(before);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    bench_free(&b);
}

static void a_saved_model_is_on_the_disk_before_it_has_its_name(void **state)
{
    struct bench b;
    char *dir = disk_folder(), *folder = path_join(dir, "model"), *temporary = path_join(dir, "model.tmp");
    bench_make(&b, &world, &(struct bench_options){.objective = "dpo", .steps = 4});
    disk_trace_begin();
    assert_ok(model_save(b.model, folder, SAVE_F32, e));
    assert_durable(temporary, folder, -1);
    assert_true(syncs_between(temporary, last_rename_into(temporary), disk_renamed(temporary, folder)) >= 2);
    char *part = path_join(temporary, "model.safetensors.tmp"), *weights = path_join(folder, "model.safetensors");
    const int synced = disk_synced(part, file_size(weights), 0);
    assert_true(synced >= 0 && synced < disk_renamed(temporary, folder));
    free(part);
    free(weights);
    free(folder);
    free(temporary);
    assert_ok(file_remove_tree(dir, e));
    free(dir);
    bench_free(&b);
}

static int make_world(void **state)
{
    world_make(&world, "llama");
    return 0;
}

static int remove_world(void **state)
{
    world_remove(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_resumed_trainer_goes_on_with_the_same_bits),
        cmocka_unit_test(a_checkpoint_of_something_else_is_refused),
        cmocka_unit_test(the_newest_checkpoints_are_kept),
        cmocka_unit_test(a_checkpoint_is_on_the_disk_before_it_has_its_name),
        cmocka_unit_test(a_checkpoint_that_is_not_on_the_disk_gets_no_name),
        cmocka_unit_test(a_saved_model_is_on_the_disk_before_it_has_its_name),
    };
    return cmocka_run_group_tests(tests, make_world, remove_world);
}
