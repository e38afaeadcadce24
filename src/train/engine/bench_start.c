// How long a run takes from its process's start to its first step: a real run of the store, on a new model and 200 texts.
#include "config.h"

#include "train/engine/bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/run_db.h"
#include "store/store.h"
#include "text/bpe_train.h"
#include "train/run/open_model.h"

struct world {
    char *dir, *tokenizer, *model, *data; // a project, and in it what a run is of
};

static void world_init(struct world *w, char *dir)
{
    *w = (struct world){dir, path_join(dir, "tokenizer"), path_join(dir, "model"), path_join(dir, "pairs.jsonl")};
}

static void world_fini(struct world *w)
{
    file_remove_tree(w->dir, NULL);
    free(w->dir);
    free(w->tokenizer);
    free(w->model);
    free(w->data);
}

static int write_texts(const struct world *w, struct err *e)
{
    static const char *const specials[] = {"<|end|>", NULL};
    struct str text = {0}, pairs = {0};
    for (int i = 0; i < 200; i++) {
        str_addf(&text, "Story %d: the small dog went to the river and came back with %d apples.\n", i, i * 7 % 13);
        str_addf(&pairs, "{\"prompt\": \"Story %d: the small dog\", \"chosen\": \" went to the river.\", \"rejected\": "
                         "\" ate %d apples.\"}\n", i, i * 7 % 13 + 2);
    }
    int code = bpe_train(str_text(&text), text.len, 300, specials, w->tokenizer, e);
    if (!code)
        code = file_write(w->data, str_text(&pairs), pairs.len, e);
    str_fini(&text);
    str_fini(&pairs);
    return code;
}

// Made on the CPU, whatever device the run is on. Large models come in bf16, and so do these; the file that was just
// written stands in the page cache.
static int write_model(const struct world *w, const struct bench_case *c, struct err *e)
{
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *m = NULL;
    int code = engine_open_backend(&ops, &backend, "cpu", "f32", 1, e);
    if (code)
        return code;
    json_t *config = bench_case_config(c);
    code = bench_model(&m, config, false, ops, backend, e);
    json_decref(config);
    if (!code) {
        free(m->tokenizer_dir);
        m->tokenizer_dir = mem_strdup(w->tokenizer);
        code = model_save(m, w->model, c->large ? SAVE_BF16 : SAVE_F32, e);
        model_free(m);
    }
    ops->close(backend);
    return code;
}

static int add_run(const struct world *w, const struct bench_case *c, const struct bench_place *place, struct err *e)
{
    struct store *store;
    char *name = NULL;
    int code = store_open(&store, w->dir, true, e);
    if (code)
        return code;
    json_t *settings = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i}", "model", w->model, "data", w->data,
                                 "device", place->device, "precision", place->precision, "threads", place->threads,
                                 "steps", 1, "eval-share", 0, "eval-every", 0, "probe-every", 0, "save-every", 0);
    code = store_add_run(store, "start", c->objective, w->model, w->data, settings, &name, e);
    json_decref(settings);
    free(name);
    store_close(store);
    return code;
}

// What the engine itself notes in run.db when its first step begins; false: it has not yet.
static bool has_begun(const struct world *w, double *seconds)
{
    struct run_reader *r;
    struct run_event *events;
    int n;
    bool begun = false;
    char *dir = path_join(w->dir, "runs/start");
    const int code = run_reader_open(&r, dir, NULL);
    free(dir);
    if (code)
        return false;
    if (!run_reader_events(r, 0, &events, &n, NULL)) {
        for (int i = 0; i < n && !begun; i++) {
            const char *at = strcmp(events[i].kind, "start") == 0 ? strstr(events[i].text, " began ") : NULL;
            begun = at && sscanf(at, " began %lf s", seconds) == 1;
        }
        run_events_free(events, n);
    }
    run_reader_close(r);
    return begun;
}

static void last_words(const struct world *w, struct err *e)
{
    char *path = path_join(w->dir, "engine.log"), *text;
    size_t n;
    if (file_read(path, 1 << 16, &text, &n, NULL) == 0) {
        while (n > 0 && text[n - 1] == '\n')
            text[--n] = 0;
        const char *line = strrchr(text, '\n');
        line = line ? line + 1 : text;
        line += strncmp(line, "attune-engine: ", 15) == 0 ? 15 : 0;
        err_set(e, ERR_FAIL, "the run that measures the start failed: %s", line);
        free(text);
    } else {
        err_set(e, ERR_FAIL, "the run that measures the start failed");
    }
    free(path);
}

// The run is ended when its first step begins: a large model's checkpoint would take longer than all that is measured.
static int time_start(const struct world *w, double *seconds, struct err *e)
{
    int status = 0;
    bool begun = false;
    char *log = path_join(w->dir, "engine.log");
    const pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen(log, "w", stderr))
            _exit(126);
        execl(path_program(), path_program(), "run", "--project", w->dir, "--run", "start", (char *)NULL);
        _exit(127);
    }
    free(log);
    if (pid < 0)
        return err_errno(e, "cannot start a run");
    while (!(begun = has_begun(w, seconds)) && waitpid(pid, &status, WNOHANG) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    if (begun) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
        return 0;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && has_begun(w, seconds)) // between the two looks
        return 0;
    last_words(w, e);
    return ERR_FAIL;
}

int bench_start(double *seconds, const struct bench_case *c, const struct bench_place *place, struct err *e)
{
    struct world w;
    char *dir = bench_folder();
    if (!dir)
        return err_errno(e, "cannot make a temporary folder");
    world_init(&w, dir);
    int code = write_texts(&w, e);
    if (!code)
        code = write_model(&w, c, e);
    if (!code)
        code = add_run(&w, c, place, e);
    if (!code)
        code = time_start(&w, seconds, e);
    world_fini(&w);
    return code;
}
