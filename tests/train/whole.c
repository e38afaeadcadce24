#include "config.h"

#include "whole.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

struct world world;
char *project, *engine;

void wait_ms(int ms)
{
    nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

void add_run(const char *name, const char *objective, const char *extra)
{
    struct store *s;
    char *name_out;
    json_t *settings = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "model", world.model_dir, "data",
                                 world.pairs_path, "batch-size", "4", "lr", "0.003", "steps", "60", "eval-every", "20",
                                 "probe-every", "20", "probe-prompts", "3", "probe-max-tokens", "6", "save-every", "9",
                                 "threads", "1");
    char *list = strdup(extra ? extra : ""), *save = NULL;
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        json_object_set_new(settings, word, json_string(value));
    }
    assert_ok(store_open(&s, project, true, e));
    assert_ok(store_add_run(s, name, objective, world.model_dir, world.pairs_path, settings, &name_out, e));
    store_close(s);
    free(name_out);
    free(list);
    json_decref(settings);
}

void load_run(struct run *r, const char *objective, const char *settings)
{
    struct run_writer *writer;
    static int n_runs;
    char name[20], *list = strdup(settings), *save = NULL;
    snprintf(name, sizeof name, "loaded-%d", n_runs++);
    add_run(name, objective, settings); // its place in the store
    *r = (struct run){.name = strdup(name), .dir = run_dir(name), .started = clock_seconds()};
    assert_ok(store_open(&r->store, project, false, e));
    assert_ok(objective_find(&r->objective, objective, e));
    run_settings_init(&r->settings, &r->tables, r->objective);
    assert_ok(settings_set(&r->settings, "model", world.model_dir, e));
    assert_ok(settings_set(&r->settings, "data", world.pairs_path, e));
    assert_ok(settings_set(&r->settings, "threads", "1", e));
    for (char *word = strtok_r(list, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        assert_ok(settings_set(&r->settings, word, value, e));
    }
    free(list);
    assert_ok(file_make_dirs(r->dir, e));
    assert_ok(run_writer_open(&writer, r->dir, e));
    controls_init(&r->controls, r->store, r->name, 0, 0);
    assert_ok(recorder_start(&r->recorder, writer, &r->status, r->dir, e));
    assert_ok(run_load(r, e));
}

void unload_run(struct run *r)
{
    assert_ok(recorder_stop(r->recorder, e));
    run_unload(r);
    controls_fini(&r->controls);
    settings_fini(&r->settings);
    store_close(r->store);
    free(r->name);
    free(r->dir);
}

char *run_dir(const char *name)
{
    struct store *s;
    assert_ok(store_open(&s, project, false, e));
    char *dir = store_run_dir(s, name);
    store_close(s);
    return dir;
}

pid_t start(const char *name, int fault)
{
    pid_t pid = fork();
    if (pid == 0) {
        char number[16];
        snprintf(number, sizeof number, "%d", fault);
        if (fault)
            setenv("ATTUNE_FAULT_WRITE", number, 1);
        if (!freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(engine, engine, "run", "--project", project, "--run", name, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    return pid;
}

int finish(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void run_to_end(const char *name)
{
    struct run_reader *r;
    struct run_status said = {0};
    const int status = finish(start(name, 0));
    if (status == 0)
        return;
    char *dir = run_dir(name);
    if (run_reader_open(&r, dir, NULL) == 0) {
        run_reader_status(r, &said, NULL);
        run_reader_close(r);
    }
    fail_msg("run %s ended with %d: %s", name, status, said.message);
}

char *bytes_of(const char *name, const char *file, size_t *n)
{
    char *dir = run_dir(name), *path = path_join(dir, file), *bytes;
    assert_ok(file_read(path, 1 << 26, &bytes, n, e));
    free(dir);
    free(path);
    return bytes;
}

void assert_same_file(const char *a, const char *b, const char *file)
{
    size_t n, m;
    char *x = bytes_of(a, file, &n), *y = bytes_of(b, file, &m);
    assert_int_equal(n, m);
    if (memcmp(x, y, n) != 0)
        fail_msg("%s of runs %s and %s differ", file, a, b);
    free(x);
    free(y);
}

static bool is_of_the_clock(const char *key)
{
    static const char *const keys[] = {"step_s", "tokens_per_s", "rollout/sample_s", "rollout/wait_s",
                                       "rollout/tokens_per_s"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

char *metrics_of(const char *name)
{
    char *dir = run_dir(name), **keys;
    struct run_reader *r;
    struct str all = {0};
    int n;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_keys(r, &keys, &n, e));
    for (int i = 0; i < n; i++) {
        struct metric_point *points;
        int64_t cursor = 0;
        int n_points;
        if (!is_of_the_clock(keys[i])) {
            double values[200];
            for (int k = 0; k < 200; k++)
                values[k] = NAN;
            assert_ok(run_reader_points(r, keys[i], &cursor, &points, &n_points, e));
            for (int k = 0; k < n_points; k++)
                values[points[k].step] = points[k].value;
            free(points);
            str_addf(&all, "%s", keys[i]);
            for (int k = 0; k < 200; k++)
                if (!isnan(values[k]))
                    str_addf(&all, " %d:%.17g", k, values[k]);
            str_addc(&all, '\n');
        }
    }
    for (int i = 0; i < n; i++)
        free(keys[i]);
    free(keys);
    run_reader_close(r);
    free(dir);
    return str_take(&all);
}

void assert_same_run(const char *a, const char *b, const char *weights)
{
    struct str file = {0};
    str_addf(&file, "checkpoints/step-60/%s", weights);
    assert_same_file(a, b, str_text(&file));
    str_fini(&file);
    assert_same_file(a, b, "checkpoints/step-60/state.safetensors");
    char *x = metrics_of(a), *y = metrics_of(b);
    assert_string_equal(x, y);
    assert_non_null(strstr(x, "loss"));
    free(x);
    free(y);
}

int64_t newest_step(const char *dir)
{
    char *checkpoints = path_join(dir, "checkpoints");
    int64_t newest = -1;
    DIR *d = opendir(checkpoints);
    for (struct dirent *entry; d && (entry = readdir(d));) {
        int64_t step;
        if (text_starts(entry->d_name, "step-") && text_to_i64(entry->d_name + 5, &step) && step > newest)
            newest = step;
    }
    if (d)
        closedir(d);
    free(checkpoints);
    return newest;
}

int count_events(const char *name, const char *kind, const char *part)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct run_event *events;
    int n, found = 0;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_events(r, 0, &events, &n, e));
    for (int i = 0; i < n; i++)
        found += strcmp(events[i].kind, kind) == 0 && (!part || strstr(events[i].text, part));
    run_events_free(events, n);
    run_reader_close(r);
    free(dir);
    return found;
}

int harass(const char *name, struct rng *rng, int at_most)
{
    char *dir = run_dir(name);
    int kills = 0;
    for (int64_t reached = -1; kills < at_most;) {
        pid_t pid = start(name, 0);
        bool ended = false;
        for (int i = 0; i < 20000 && newest_step(dir) <= reached && !ended; i++) {
            ended = waitpid(pid, NULL, WNOHANG) == pid;
            wait_ms(1);
        }
        if (ended)
            break;
        wait_ms((int)rng_below(rng, 12)); // a quick machine makes all steps in not much more
        kill(pid, SIGKILL);
        kills += finish(pid) == -SIGKILL;
        reached = newest_step(dir);
        if (reached >= 60)
            break;
    }
    free(dir);
    return kills;
}

int64_t step_of_event(const char *name, const char *kind, char *text, size_t size)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct run_event *events = NULL;
    int n = 0;
    int64_t step = -1;
    if (run_reader_open(&r, dir, NULL) == 0) {
        if (run_reader_events(r, 0, &events, &n, NULL) == 0)
            for (int i = 0; i < n; i++)
                if (strcmp(events[i].kind, kind) == 0) {
                    step = events[i].step;
                    if (text)
                        text_copy(text, size, events[i].text);
                }
        run_events_free(events, n);
        run_reader_close(r);
    }
    free(dir);
    return step;
}

void post(const char *name, enum control_kind kind, const char *key, const char *value)
{
    struct store *s;
    assert_ok(store_open(&s, project, false, e));
    assert_ok(store_post_control(s, name, kind, key, value, e));
    store_close(s);
}

int make_world(void **state)
{
    engine = test_build("attune-engine");
    world_make(&world, "llama");
    project = path_join(world.dir, "project");
    return 0;
}

// Whatever a failed test has left at work.
static void end_engines(void)
{
    struct store *s;
    struct run_info *runs = NULL;
    int n = 0;
    if (!file_is_dir(project) || store_open(&s, project, false, NULL))
        return;
    if (store_runs(s, &runs, &n, NULL))
        n = 0;
    for (int i = 0; i < n; i++) {
        char *dir = store_run_dir(s, runs[i].name);
        struct run_reader *r;
        struct run_status status;
        if (run_reader_open(&r, dir, NULL) == 0) {
            if (run_reader_status(r, &status, NULL) == 0 && run_state_is_live(status.state) && status.pid > 1)
                kill(status.pid, SIGKILL);
            run_reader_close(r);
        }
        free(dir);
    }
    run_infos_free(runs, n);
    store_close(s);
}

int remove_world(void **state)
{
    end_engines();
    world_remove(&world);
    free(project);
    free(engine);
    return 0;
}

double metric_at(const char *name, const char *key, int64_t step)
{
    char *dir = run_dir(name);
    struct run_reader *r;
    struct metric_point *points;
    int64_t cursor = 0;
    int n;
    double value = NAN;
    assert_ok(run_reader_open(&r, dir, e));
    assert_ok(run_reader_points(r, key, &cursor, &points, &n, e));
    for (int i = 0; i < n; i++)
        if (points[i].step == step)
            value = points[i].value;
    free(points);
    run_reader_close(r);
    free(dir);
    return value;
}
