// attune top: how busy this machine is, and what of it the project's runs take. With or without a run or a project.
#include "config.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/human.h"
#include "base/mem.h"
#include "cli/look.h"
#include "cli/print.h"
#include "ui/machine.h"

static const struct param options[] = {
    {.name = "once",
     .type = PARAM_BOOL,
     .fallback = "no",
     .help = "Prints it once and ends, as it does where the output is no terminal."},
    {.name = "every",
     .type = PARAM_FLOAT,
     .fallback = "2",
     .min = 0.2,
     .max = 3600,
     .help = "Seconds between two looks."},
    {0},
};

static int run(int argc, char **argv);

const struct command command_top = {
    .name = "top",
    .synopsis = "attune top [--once] [--every SECONDS] [--json]",
    .summary = "Shows how busy this machine is, and which runs use what of it.",
    .help = "Processors, memory and, where NVIDIA's driver is, graphics cards; below them the project's runs that live "
            "on this machine "
            "with the processors (100 % is one), the memory and the cards that their engines take. q or Ctrl-c ends it.\n"
            "  attune top --once --json",
    .options = options,
    .json = true,
    .run = run,
};

enum { FIRST_LOOK_MS = 400, MOST_ROWS = 500 };

struct row {
    char name[128];
    struct run_status status;
    struct machine_process process;
    double cpu; // 1 is one processor; NaN: not known yet
};
struct top {
    struct store *store; // NULL: no project
    struct machine_reader *reader;
    struct machine machine;
    struct row *rows;
    int n;
    double looked_s;
    int n_processors;
};

static volatile sig_atomic_t ended;

static void note_end(int number)
{
    (void)number;
    ended = 1;
}

// ---- looking ----

static const struct row *row_of(const struct row *rows, int n, const struct run_status *s)
{
    for (int i = 0; i < n; i++)
        if (rows[i].status.pid == s->pid && rows[i].status.pid_start == s->pid_start)
            return &rows[i];
    return NULL;
}

static int look_at_runs(struct top *t, double passed_s, struct err *e)
{
    struct run_info *runs = NULL;
    struct run_status self;
    int n = 0, code = t->store ? store_runs(t->store, &runs, &n, e) : 0;
    struct row *rows = mem_alloc(MOST_ROWS, sizeof *rows);
    int n_rows = 0;
    run_status_self(&self);
    for (int i = 0; i < n && !code && n_rows < MOST_ROWS; i++) {
        struct look l = {.dir = store_run_dir(t->store, runs[i].name)};
        struct row *r = &rows[n_rows];
        if (look_refresh(&l, NULL) == 0 && run_state_is_live(l.status.state) && strcmp(l.status.host, self.host) == 0 &&
            machine_process(t->reader, l.status.pid, l.status.pid_start, &r->process)) {
            const struct row *old = row_of(t->rows, t->n, &l.status);
            r->status = l.status;
            r->cpu = old && passed_s > 0 && r->process.ticks >= old->process.ticks
                         ? (double)(r->process.ticks - old->process.ticks) / (double)sysconf(_SC_CLK_TCK) / passed_s
                         : NAN;
            text_copy(r->name, sizeof r->name, runs[i].name);
            n_rows++;
        }
        look_close(&l);
    }
    run_infos_free(runs, n);
    free(t->rows);
    t->rows = rows;
    t->n = n_rows;
    return code;
}

static int look_once(struct top *t, struct err *e)
{
    const double now = clock_seconds(), passed = t->looked_s > 0 ? now - t->looked_s : 0;
    machine_read(t->reader, &t->machine);
    t->looked_s = now;
    return look_at_runs(t, passed, e);
}

// ---- printing ----

static const char *share(char *out, size_t size, double value)
{
    if (isnan(value))
        snprintf(out, size, "-");
    else
        snprintf(out, size, "%.0f %%", 100 * value);
    return out;
}

static void print_machine(FILE *out, const struct top *t)
{
    const struct machine *m = &t->machine;
    char a[40], b[40];
    fprintf(out, "%sprocessors%s  %d, %s busy\n", print_on(stdout, PRINT_BOLD), print_off(stdout), t->n_processors,
            share(a, sizeof a, m->cpu));
    if (m->memory)
        fprintf(out, "%smemory%s      %s of %s used\n", print_on(stdout, PRINT_BOLD), print_off(stdout),
                human_bytes(a, sizeof a, (double)m->memory_used), human_bytes(b, sizeof b, (double)m->memory));
    for (int i = 0; i < m->n_gpus; i++) {
        const struct machine_gpu *g = &m->gpus[i];
        fprintf(out, "%sgpu %d%s       %s busy", print_on(stdout, PRINT_BOLD), i, print_off(stdout),
                share(a, sizeof a, g->use));
        if (g->memory)
            fprintf(out, ", %s of %s used", human_bytes(a, sizeof a, (double)g->memory_used),
                    human_bytes(b, sizeof b, (double)g->memory));
        if (!isnan(g->watts))
            fprintf(out, ", %.0f W", g->watts);
        if (!isnan(g->celsius))
            fprintf(out, ", %.0f C", g->celsius);
        fputc('\n', out);
    }
}

static void print_cards(struct print_table *table, const struct machine *m, int pid)
{
    struct str cards = {0};
    char text[40];
    uint64_t memory;
    machine_cards_of(m, pid, &cards, &memory);
    print_table_cell(table, -1, "%s", cards.len ? str_text(&cards) : "-");
    print_table_cell(table, -1, "%s", memory ? human_bytes(text, sizeof text, (double)memory) : "-");
    str_fini(&cards);
}

static void print_runs(FILE *out, const struct top *t, int most)
{
    static const char *const titles[] = {"RUN", "STATE", "STEP", "CPU", "MEMORY", "THREADS", "TOKENS/S", "LEFT", "PID"};
    const bool gpus = t->machine.n_gpus > 0; // two columns more
    struct print_table table;
    char text[64];
    if (t->n == 0) {
        fprintf(out, "\nNo run lives on this machine.\n");
        return;
    }
    fputc('\n', out);
    print_table_init(&table, gpus ? "Llrrrrrrrlr" : "Llrrrrrrr");
    table.spare = gpus ? "-----------" : "---------";
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
        print_table_cell(&table, PRINT_DIM, "%s", titles[i]);
    if (gpus) {
        print_table_cell(&table, PRINT_DIM, "GPU");
        print_table_cell(&table, PRINT_DIM, "GPU MEMORY");
    }
    for (int i = 0; i < t->n && i < most; i++) {
        const struct row *r = &t->rows[i];
        const struct run_status *s = &r->status;
        print_table_cell(&table, PRINT_BOLD, "%s", r->name);
        print_table_cell(&table, -1, "%s", run_state_name(s->state));
        print_table_cell(&table, -1, "%lld/%lld", (long long)s->step, (long long)s->total_steps);
        print_table_cell(&table, -1, "%s", share(text, sizeof text, r->cpu));
        print_table_cell(&table, -1, "%s", human_bytes(text, sizeof text, (double)r->process.memory));
        print_table_cell(&table, -1, "%d", r->process.n_threads);
        print_table_cell(&table, -1, "%s", s->tokens_per_s > 0 ? human_count(text, sizeof text, s->tokens_per_s) : "-");
        print_table_cell(&table, -1, "%s",
                         s->seconds_left > 0 ? human_seconds(text, sizeof text, s->seconds_left) : "-");
        print_table_cell(&table, PRINT_DIM, "%d", s->pid);
        if (gpus)
            print_cards(&table, &t->machine, s->pid);
    }
    print_table_end(&table, out, print_width(stdout));
    if (t->n > most)
        fprintf(out, "and %d more\n", t->n - most);
}

// [{"gpu", "memory"}, ...] of a process.
static json_t *cards_json(const struct machine *m, int pid)
{
    json_t *cards = json_array();
    for (int g = 0; g < m->n_gpus; g++)
        for (int i = 0; i < m->gpus[g].n_processes; i++)
            if (m->gpus[g].processes[i].pid == pid)
                json_array_append_new(cards, json_pack("{s:i, s:I}", "gpu", g, "memory",
                                                       (json_int_t)m->gpus[g].processes[i].memory));
    return cards;
}

static void print_json(const struct top *t)
{
    const struct machine *m = &t->machine;
    json_t *gpus = json_array(), *runs = json_array();
    for (int i = 0; i < m->n_gpus; i++) {
        const struct machine_gpu *g = &m->gpus[i];
        json_array_append_new(gpus,
                              json_pack("{s:o, s:I, s:I, s:o, s:o}", "busy", look_json_number(g->use), "memory_used",
                                        (json_int_t)g->memory_used, "memory", (json_int_t)g->memory, "watts",
                                        look_json_number(g->watts), "celsius", look_json_number(g->celsius)));
    }
    for (int i = 0; i < t->n; i++) {
        const struct row *r = &t->rows[i];
        json_array_append_new(
            runs, json_pack("{s:o, s:s, s:I, s:I, s:i, s:o, s:I, s:i, s:o, s:o}", "name", look_json_text(r->name), "state",
                            run_state_name(r->status.state), "step", (json_int_t)r->status.step, "total_steps",
                            (json_int_t)r->status.total_steps, "pid", r->status.pid, "processors",
                            look_json_number(r->cpu), "memory", (json_int_t)r->process.memory, "threads",
                            r->process.n_threads, "tokens_per_s", look_json_number(r->status.tokens_per_s), "gpus",
                            cards_json(m, r->status.pid)));
    }
    look_print_json(json_pack("{s:i, s:o, s:I, s:I, s:o, s:o}", "processors", t->n_processors, "busy",
                              look_json_number(m->cpu), "memory_used", (json_int_t)m->memory_used, "memory",
                              (json_int_t)m->memory, "gpus", gpus, "runs", runs));
}

// ---- one screen that is drawn over itself ----

static void draw(const struct top *t)
{
    struct winsize size = {.ws_row = 24};
    char *text = NULL;
    size_t n_bytes = 0;
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    const int rows = size.ws_row > 8 ? size.ws_row : 24, around = t->machine.n_gpus + 7;
    FILE *memory = open_memstream(&text, &n_bytes);
    if (!memory)
        return;
    print_machine(memory, t);
    print_runs(memory, t, rows > around ? rows - around : 1);
    fclose(memory);
    fputs("\033[H", stdout);
    for (const char *line = text; *line;) {
        const size_t n = strcspn(line, "\n");
        fwrite(line, 1, n, stdout);
        fputs("\033[K\r\n", stdout);
        line += n + (line[n] == '\n');
    }
    fputs("\033[J\r\nq ends\033[K", stdout);
    fflush(stdout);
    free(text);
}

// Waits so long for a key that ends it.
static bool quits(double seconds)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char c = 0;
    if (poll(&in, 1, (int)(seconds * 1000)) <= 0)
        return false;
    return read(STDIN_FILENO, &c, 1) <= 0 || c == 'q' || c == '\033' || c == 4;
}

static int show(struct top *t, double every_s, struct err *e)
{
    struct termios before, now;
    struct sigaction act = {.sa_handler = note_end}, ignore = {.sa_handler = SIG_IGN}, old[4];
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const bool has_keys = tcgetattr(STDIN_FILENO, &before) == 0;
    int code = 0;
    for (int i = 0; i < 3; i++)
        sigaction(numbers[i], &act, &old[i]);
    sigaction(SIGTSTP, &ignore, &old[3]); // stopped it would leave a screen that is not the shell's
    if (has_keys) {
        now = before;
        now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &now);
    }
    fputs("\033[?1049h\033[?25l", stdout);
    while (!code && !ended && !ferror(stdout)) {
        draw(t);
        if (has_keys ? quits(every_s)
                     : nanosleep(&(struct timespec){.tv_sec = (time_t)every_s, .tv_nsec = 200000000}, NULL) != 0)
            break;
        code = look_once(t, e);
    }
    fputs("\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (has_keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
    for (int i = 0; i < 3; i++)
        sigaction(numbers[i], &old[i], NULL);
    sigaction(SIGTSTP, &old[3], NULL);
    return code;
}

static int top(struct args *a, struct err *e)
{
    struct top t = {.reader = machine_reader_new(NULL, NULL), .n_processors = (int)sysconf(_SC_NPROCESSORS_ONLN)};
    struct err fault = {0};
    const char *term = getenv("TERM");
    const bool once = settings_bool(&a->settings, "once") || args_json(a) || !isatty(STDOUT_FILENO) || !term ||
                      strcmp(term, "dumb") == 0;
    int code = look_project(a, false, &t.store, &fault);
    if (code == ERR_NOT_FOUND && !args_project(a)) {
        code = 0; // the machine is there without a project
    } else if (code) {
        *e = fault;
    }
    if (!code)
        code = look_once(&t, e);
    if (!code) { // what is busy is known from two looks
        nanosleep(&(struct timespec){.tv_nsec = FIRST_LOOK_MS * 1000000L}, NULL);
        code = look_once(&t, e);
    }
    if (!code && args_json(a)) {
        print_json(&t);
    } else if (!code && once) {
        print_machine(stdout, &t);
        print_runs(stdout, &t, t.n);
    } else if (!code) {
        code = show(&t, settings_float(&a->settings, "every"), e);
    }
    free(t.rows);
    machine_reader_free(t.reader);
    store_close(t.store);
    return code;
}

static int run(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    int status = 0;
    if (!args_open(&a, &command_top, argc, argv, 0, 0, &status))
        return status;
    if (top(&a, &e))
        status = args_fail(&a, &e);
    args_close(&a);
    return status;
}
