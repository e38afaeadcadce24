// The models that the console keeps loaded: a process of attune-engine serve-model each, started when its folder is asked
// first, closed when a fifth is wanted or the console ends. Rows of the answers come in the console's thread, between keys.
//
// A question waits in the list below until its process has been started (a job: it forks); from then on the process's own
// list has it, and the row here says who asked.
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "launch/server.h"
#include "ui/ui_internal.h"

struct loaded {
    char *folder;                 // NULL: a free place
    struct engine_server *server; // NULL: it is being started
    double used_s;                // when it was asked last
    bool kept;                    // ui_keep_models
    uint64_t serial;              // of the process: a job that starts one for a place that has been given away is dropped
};
struct asked {
    struct ui *ui;
    int64_t id;      // of ui_ask_model
    uint64_t serial; // of the process that answers
    int64_t sent_id; // of engine_server_ask; 0: waits for the process
    bool cancelled;
    char *what;
    json_t *options, *words;
    struct engine_asker asker;
    struct asked *next;
};
struct models {
    struct loaded places[MODELS_MOST];
    struct asked *asked; // the oldest first
    uint64_t last_serial;
    int64_t last_id;
    const struct loaded *serving; // its answers are being handed out: whoever hears them may ask, but not close it
};

static struct models *models_of(struct ui *ui)
{
    if (!ui->models)
        ui->models = mem_alloc(1, sizeof *ui->models);
    return ui->models;
}

static struct loaded *by_serial(struct models *m, uint64_t serial)
{
    for (int i = 0; i < MODELS_MOST; i++)
        if (m->places[i].folder && m->places[i].serial == serial)
            return &m->places[i];
    return NULL;
}

// ---- answers on their way ----

// Takes it off the list and tells who asked.
static void end_asked(struct models *m, struct asked *a, int code, const struct err *e)
{
    struct ui *ui = a->ui;
    struct asked **at = &m->asked;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    a->asker.end(a->asker.arg, code, e);
    free(a->what);
    json_decref(a->options);
    json_decref(a->words);
    free(a);
    ui->more = true; // the page may go on
    if (!ui->frozen)
        ui->data_dirty = true;
}

static int take_row(void *arg, const json_t *row, struct err *e)
{
    struct asked *a = arg;
    if (!a->ui->frozen)
        a->ui->data_dirty = true;
    return a->asker.row(a->asker.arg, row, e);
}

static void take_end(void *arg, int code, const struct err *e)
{
    struct asked *a = arg;
    end_asked(a->ui->models, a, code, e);
}

static void send_asked(struct models *m, struct asked *a, struct loaded *l)
{
    struct err fault = {0};
    l->used_s = clock_seconds();
    if (engine_server_ask(l->server, a->what, a->options, a->words, &(struct engine_asker){take_row, take_end, a},
                          &a->sent_id, &fault))
        end_asked(m, a, fault.code, &fault);
    else if (a->cancelled)
        engine_server_cancel(l->server, a->sent_id);
}

// ---- starting and closing ----

static void close_place(struct loaded *l)
{
    if (l->server)
        engine_server_end(l->server, ERR_INTERRUPTED, NULL);
    free(l->folder);
    *l = (struct loaded){0};
}

// Ends what still waits for a process.
static void fail_waiting(struct models *m, uint64_t serial, int code, const struct err *e)
{
    for (struct asked *a = m->asked, *next; a; a = next) {
        next = a->next;
        if (a->serial == serial && !a->sent_id)
            end_asked(m, a, code, e);
    }
}

struct start_job {
    char *folder;
    uint64_t serial;
    struct engine_server *server;
};

// What its weights take, by their files: what is mapped need not fit, but a model that is larger than what is free would
// push everything else out.
static int check_memory(const char *folder, struct err *e)
{
    uint64_t bytes = 0;
    const uint64_t available = mem_available();
    DIR *dir = opendir(folder);
    if (!dir)
        return err_errno(e, "cannot open the model folder %s", folder);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct stat st;
        if (strcmp(entry->d_name, "state.safetensors") != 0 &&
            (text_ends(entry->d_name, ".safetensors") || text_ends(entry->d_name, ".bin")) &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    closedir(dir);
    if (available && bytes > available) {
        char needs[32], has[32];
        return err_set(e, ERR_LIMIT, "%s needs %s of memory, %s are free: close another model or program", folder,
                       human_bytes(needs, sizeof needs, (double)bytes), human_bytes(has, sizeof has, (double)available));
    }
    return 0;
}

static int start_work(void *arg, struct err *e)
{
    struct start_job *j = arg;
    int code = check_memory(j->folder, e);
    json_t *loaded = json_pack("{s:s}", "model", j->folder);
    if (!code && !loaded)
        code = err_set(e, ERR_INPUT, "the name of the model's folder is not UTF-8");
    if (!code)
        code = engine_server_start(&j->server, loaded, e);
    json_decref(loaded);
    return code;
}

static void start_done(struct ui *ui, void *arg, int code, const struct err *e)
{
    struct start_job *j = arg;
    struct models *m = ui->models;
    struct loaded *l = by_serial(m, j->serial);
    if (code) {
        if (l)
            close_place(l);
        fail_waiting(m, j->serial, code, e);
    } else if (!l) {
        engine_server_end(j->server, ERR_INTERRUPTED, NULL);
    } else {
        l->server = j->server;
        for (struct asked *a = m->asked, *next; a; a = next) {
            next = a->next;
            if (a->serial == j->serial && !a->sent_id)
                send_asked(m, a, l);
        }
    }
    free(j->folder);
    free(j);
}

static bool is_idle(const struct models *m, const struct loaded *l)
{
    for (const struct asked *a = m->asked; a; a = a->next)
        if (a->serial == l->serial)
            return false;
    return l->server && l != m->serving;
}

// The model's place, or one for it: a free one, else that of the model that was not asked for longest, of those that are
// kept last of all. NULL: all are busy.
static struct loaded *place_for(struct models *m, const char *folder)
{
    struct loaded *best = NULL;
    for (int i = 0; i < MODELS_MOST; i++)
        if (m->places[i].folder && strcmp(m->places[i].folder, folder) == 0)
            return &m->places[i];
    for (int i = 0; i < MODELS_MOST; i++)
        if (!m->places[i].folder)
            return &m->places[i];
    for (int i = 0; i < MODELS_MOST; i++) {
        struct loaded *l = &m->places[i];
        if (is_idle(m, l) && (!best || (best->kept && !l->kept) || (best->kept == l->kept && l->used_s < best->used_s)))
            best = l;
    }
    if (best)
        close_place(best);
    return best;
}

static void start(struct ui *ui, struct loaded *l, const char *folder)
{
    struct start_job *j = mem_alloc(1, sizeof *j);
    *l = (struct loaded){.folder = mem_strdup(folder), .used_s = clock_seconds(), .serial = ++ui->models->last_serial};
    *j = (struct start_job){.folder = mem_strdup(folder), .serial = l->serial};
    job_start(ui, start_work, start_done, j);
}

// ---- what view.h offers ----

int ui_ask_model(struct ui *ui, const char *folder, const char *what, json_t *options, json_t *words,
                 const struct engine_asker *asker, int64_t *id, struct err *e)
{
    struct models *m = models_of(ui);
    struct loaded *l = place_for(m, folder);
    if (!l) {
        json_decref(options);
        json_decref(words);
        return err_set(e, ERR_LIMIT, "%d models are answering, and more are not kept loaded: wait for one, or stop it",
                       MODELS_MOST);
    }
    struct asked *a = mem_alloc(1, sizeof *a), **end = &m->asked;
    *a = (struct asked){
        .ui = ui, .id = ++m->last_id, .what = mem_strdup(what), .options = options, .words = words, .asker = *asker};
    while (*end)
        end = &(*end)->next;
    *end = a;
    *id = a->id;
    if (!l->folder) {
        a->serial = m->last_serial + 1; // before the start: a thread that cannot be made fails at once
        start(ui, l, folder);
        return 0;
    }
    a->serial = l->serial;
    if (l->server)
        send_asked(m, a, l);
    return 0;
}

void ui_cancel_question(struct ui *ui, int64_t id)
{
    struct models *m = models_of(ui);
    for (struct asked *a = m->asked; a; a = a->next) {
        struct loaded *l = a->id == id ? by_serial(m, a->serial) : NULL;
        if (a->id == id)
            a->cancelled = true;
        if (l && l->server && a->sent_id)
            engine_server_cancel(l->server, a->sent_id);
    }
}

void ui_keep_models(struct ui *ui, const char *const *folders, int n)
{
    struct models *m = models_of(ui);
    for (int i = 0; i < MODELS_MOST; i++) {
        m->places[i].kept = false;
        for (int k = 0; k < n && m->places[i].folder; k++)
            if (strcmp(m->places[i].folder, folders[k]) == 0)
                m->places[i].kept = true;
    }
}

// ---- what the loop needs ----

int models_fds(struct ui *ui, struct pollfd *out)
{
    int n = 0;
    for (int i = 0; ui->models && i < MODELS_MOST; i++)
        if (ui->models->places[i].server)
            n += engine_server_fds(ui->models->places[i].server, out + n);
    return n;
}

void models_serve(struct ui *ui)
{
    for (int i = 0; ui->models && i < MODELS_MOST; i++) {
        struct loaded *l = &ui->models->places[i];
        ui->models->serving = l;
        if (l->server &&
            engine_server_take(l->server, NULL)) // it has ended: whoever asked knows why, and asking starts it again
            close_place(l);
        ui->models->serving = NULL;
    }
}

bool models_are_asked(const struct ui *ui)
{
    return ui->models && ui->models->asked;
}

void models_fini(struct ui *ui)
{
    struct models *m = ui->models;
    const struct err fault = {ERR_INTERRUPTED, "the console was closed"};
    for (int i = 0; m && i < MODELS_MOST; i++)
        close_place(&m->places[i]);
    while (m && m->asked)
        end_asked(m, m->asked, fault.code, &fault);
    free(m);
    ui->models = NULL;
}
