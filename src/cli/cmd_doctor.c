// attune doctor: what this machine offers, what is slow and why, and whether the project is in order.
#include "config.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/human.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/look.h"
#include "cli/memory.h"
#include "cli/print.h"
#include "launch/engine.h"
#include "store/file_system.h"
#include "ui/term/clipboard.h"
#include "ui/plot/painter.h"

static int run(int argc, char **argv);

static const struct param options[] = {
    {.name = "model", .type = PARAM_PATH, .fallback = "", .help = "A model folder that somebody wants to tune."},
    {0},
};

const struct command command_doctor = {
    .name = "doctor",
    .synopsis = "attune doctor [--model DIR] [--json]",
    .summary = "Looks at hardware, libraries, the project and the terminal, and says what to do.",
    .help = "Takes about two seconds: speeds are measured. The exit status is that of the worst that was found in the "
            "project; a slow machine is no error. With --model it says what tuning that model would take of memory.",
    .options = options,
    .json = true,
    .run = run,
};

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text && *text ? text : "unknown";
}

static void line(const char *title, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(const char *title, const char *format, ...)
{
    struct str s = {0}, shown = {0};
    va_list args;
    va_start(args, format);
    str_vaddf(&s, format, args);
    va_end(args);
    str_add_visible(&shown, str_text(&s), s.len, false);
    printf("%s%-12s%s", print_on(stdout, PRINT_BOLD), title, print_off(stdout));
    print_wrapped(stdout, str_text(&shown), 12, 12, print_width(stdout));
    str_fini(&s);
    str_fini(&shown);
}

static void finding(const char *text, const char *advice)
{
    printf("%s*%s ", print_on(stdout, PRINT_WARN), print_off(stdout));
    struct str s = {0}, shown = {0};
    str_addf(&s, "%s. To do: %s.", text, advice);
    str_add_visible(&shown, str_text(&s), s.len, false);
    print_wrapped(stdout, str_text(&shown), 2, 2, print_width(stdout));
    str_fini(&s);
    str_fini(&shown);
}

static void print_machine(const json_t *d)
{
    const json_t *blas = json_object_get(d, "blas"), *speed = json_object_get(d, "gflops"),
                 *cuda = json_object_get(d, "cuda");
    char memory[64];
    line("CPU", "%s, %lld cores", text_of(d, "brand"), (long long)json_integer_value(json_object_get(d, "cores")));
    line("kernels", "%s (%s)", text_of(d, "kernels"), text_of(d, "features"));
    line("BLAS", "OpenBLAS with its kernels for %s", text_of(blas, "core"));
    line("speed", "f32 products %.0f GFLOP/s on one core, %.0f on all; %.0f would be all that one core can do",
         json_number_value(json_object_get(speed, "sgemm_1")), json_number_value(json_object_get(speed, "sgemm_all")),
         json_number_value(json_object_get(speed, "fma_1")));
    line("bf16", "%s", json_is_true(json_object_get(d, "bf16")) ? "fast products, half the memory (--precision bf16)"
                       : json_is_true(json_object_get(d, "onednn"))
                           ? "half the memory in the time of f32 (--precision bf16): this CPU has no AMX that may be used"
                           : "half the memory in the time of f32 (--precision bf16): this build has no oneDNN");
    line("GPU", "%s", json_is_true(json_object_get(cuda, "available")) ? "available" : text_of(cuda, "reason"));
    uint64_t available = mem_available();
    line("memory", "%s free", available ? human_bytes(memory, sizeof memory, (double)available) : "unknown amount");
}

struct project_health {
    char *dir;
    const char *network; // kind of network file system, NULL: local
    bool exists;
    int n_runs, n_damaged;
    struct err first; // what was found first
};

// Reads every byte of the store and of each run.db.
static void check_project(struct project_health *h, const struct args *a)
{
    struct store *s = NULL;
    struct run_info *runs = NULL;
    struct err fault = {0};
    h->dir = store_project_dir(args_project(a));
    h->network = file_system_network(h->dir);
    int code = store_open(&s, h->dir, false, &fault);
    h->exists = code != ERR_NOT_FOUND;
    if (!code)
        code = store_check(s, &fault);
    if (!code)
        code = store_runs(s, &runs, &h->n_runs, &fault);
    if (code && h->exists)
        h->first = fault;
    for (int i = 0; i < h->n_runs; i++) {
        struct look l = {0};
        int bad = look_open(&l, s, runs[i].name, &fault);
        if (!bad && l.reader)
            bad = run_reader_check(l.reader, &fault);
        if (bad && h->n_damaged++ == 0 && !h->first.code)
            h->first = fault;
        look_close(&l);
    }
    run_infos_free(runs, h->n_runs);
    store_close(s);
}

static void print_project(const struct project_health *h)
{
    const char *runs = text_plural(h->n_runs, "run", "runs");
    if (!h->exists)
        line("project", "%s: nothing there yet", h->dir);
    else if (h->first.code)
        line("project", "%s: %d %s, %d of them damaged: %s", h->dir, h->n_runs, runs, h->n_damaged, h->first.text);
    else
        line("project", "%s: %d %s, all files in order", h->dir, h->n_runs, runs);
    if (h->network)
        line("disk", "a network file system (%s): recording is slower there", h->network);
}

static void print_terminal(void)
{
    const char *term = getenv("TERM"), *codeset = nl_langinfo(CODESET);
    struct winsize size = {0};
    if (!isatty(STDOUT_FILENO)) {
        line("terminal", "none here: output is plain");
        return;
    }
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    line("terminal", "%s, %d x %d, %s%s", term ? term : "TERM is not set", size.ws_col, size.ws_row, codeset,
         strcmp(codeset, "UTF-8") == 0 ? "" : ": curves are drawn with plain characters");
    const bool within = clipboard_multiplexer() != MULTIPLEXER_NONE;
    line("", "curves as pictures: %s",
         !painter_has_png() ? "not in this build, which has no cairo"
         : within ? "within tmux or screen only sixels, where it says that it shows them; kitty's would not stay in "
                    "their pane"
                  : "where the terminal says that it shows them; \":pictures\" in the console says what it said");
    if (size.ws_col > 0 && (size.ws_col < 80 || size.ws_row < 24))
        finding("the terminal is smaller than 80 x 24, which the console needs", "enlarge the window");
}

// DPO of all weights, and of adapters.
static int print_plans(const char *model, json_t *answer, struct err *e)
{
    static const struct {
        const char *title, *key;
        int rank;
    } rows[] = {{"DPO of all weights, in f32:", "all", 0}, {"DPO of adapters of rank 16, in f32:", "adapters", 16}};
    int code = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !code; i++) {
        json_t *plan = NULL, *settings = json_pack("{s:s, s:i}", "model", model, "lora-rank", rows[i].rank);
        code = engine_memory("dpo", settings, &plan, e);
        if (!code && answer) {
            json_object_set(answer, rows[i].key, plan);
        } else if (!code) {
            printf("\n%s\n", rows[i].title);
            memory_print(plan);
        }
        json_decref(settings);
        json_decref(plan);
    }
    return code;
}

static int doctor(struct args *a, struct err *e)
{
    engine_resolve_paths(&a->settings);
    const char *model = args_text(a, "model");
    json_t *memory = model && *model && args_json(a) ? json_object() : NULL;
    static const char *const call[] = {"doctor", "--json", NULL};
    struct project_health health = {0};
    json_t *machine = NULL;
    int code = engine_call(call, &machine, e);
    check_project(&health, a);
    if (!code && args_json(a)) {
        json_object_set_new(machine, "project",
                            json_pack("{s:o, s:b, s:i, s:i, s:o, s:o}", "path", look_json_text(health.dir), "exists",
                                      health.exists, "runs", health.n_runs, "damaged", health.n_damaged, "network",
                                      health.network ? look_json_text(health.network) : json_null(), "error",
                                      health.first.code ? look_json_text(health.first.text) : json_null()));
        if (memory)
            code = print_plans(model, memory, e);
        if (memory)
            json_object_set(machine, "memory", memory);
        json_object_set_new(machine, "png", json_boolean(painter_has_png()));
        look_print_json(json_incref(machine));
    } else {
        if (!code)
            print_machine(machine);
        print_project(&health);
        line("pictures", "%s", painter_has_png() ? "SVG and PNG (attune export)"
                                                 : "SVG; PNG needs cairo, which this build has not (apt-get install "
                                                   "libcairo2-dev, and configure again)");
        print_terminal();
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(machine, "findings"), i, item)
            finding(text_of(item, "what"), text_of(item, "do"));
        if (!code && model && *model)
            code = print_plans(model, NULL, e);
    }
    json_decref(memory);
    json_decref(machine);
    free(health.dir);
    if (!code && health.first.code) {
        *e = health.first;
        code = health.first.code;
    }
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_doctor, argc, argv, 0, 0, &status))
        return status;
    if (doctor(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
