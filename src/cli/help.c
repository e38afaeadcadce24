#include "config.h"

#include "cli/help.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "cli/print.h"
#include "launch/engine.h"
#include "ui/commands.h"
#include "ui/key_file.h"

static const char program_about[] =
    "Attune tunes language models on human preferences. Without a command it opens the console: runs, live curves, "
    "samples, starting and steering.";

static const struct {
    int status;
    const char *meaning;
} exit_statuses[] = {
    {0, "all went well"},
    {1, "something failed that fits no other number"},
    {2, "the command line or a setting is wrong"},
    {3, "a file is damaged or not what it should be"},
    {4, "a file, run or name does not exist"},
    {5, "the system refused to read or write"},
    {6, "not enough memory or disk, or a stated maximum was exceeded"},
    {7, "not possible in the present state"},
    {8, "valid, but outside of what Attune does"},
    {9, "a loss or gradient is not finite"},
    {130, "interrupted"},
};

static const struct {
    const char *name, *meaning;
} environment[] = {
    {"ATTUNE_PROJECT", "the project folder"},
    {"ATTUNE_ENGINE", "the program attune-engine, when it does not stand beside attune"},
    {"ATTUNE_SHARE", "the folder with the demo model, when it is not the installed one"},
    {"ATTUNE_JOURNAL", "rollback or wal: how runs are recorded, when what kind of disk it is was not found right"},
    {"ATTUNE_KEYS", "the console's keys, when they do not stand in ~/.config/attune/keys.conf (attune keys)"},
    {"XDG_STATE_HOME", "the folder of attune/history and attune/console.log of the console, instead of ~/.local/state"},
    {"NO_COLOR", "when set, output has no colour"},
    {"CLICOLOR_FORCE", "when set and not 0, the commands' output has colour where it is no terminal as well"},
    {"ATTUNE_READ_ONLY, ATTUNE_QUIET, ATTUNE_NO_INPUT, ATTUNE_PLAIN", "when set and not 0, as the options of these names"},
};

enum {
    n_exit_statuses = sizeof exit_statuses / sizeof *exit_statuses,
    n_environment = sizeof environment / sizeof *environment
};

static void print_item(FILE *out, const char *name, const char *text, int column, int width)
{
    int used = fprintf(out, "  %s", name);
    if (used + 2 > column) {
        fputc('\n', out);
        used = 0;
    }
    fprintf(out, "%*s", column - used, "");
    print_wrapped(out, text, column, column, width);
}

void help_program(FILE *out, int width)
{
    fprintf(out, "Usage: attune [--project DIR] [--read-only] [--fresh] [--slow] [--copy-file FILE] [--view FILE]\n"
                 "              [--no-color] [--quiet] [--no-input] [--plain] [--on-alert PROGRAM]\n"
                 "              [--lines | -e COMMANDS | --script FILE]\n       attune COMMAND [ARGUMENT]...\n\n");
    print_wrapped(out, program_about, 0, 0, width);
    fprintf(out, "\n%sCommands:%s\n", print_on(out, PRINT_BOLD), print_off(out));
    for (const struct command *const *c = commands; *c; c++)
        print_item(out, (*c)->name, (*c)->summary, 20, width);
    fprintf(out, "\n\"attune COMMAND --help\" explains a command. \"attune --version\" prints the version.\n"
                 "-e and --script give commands of the console that are run without a terminal.\n"
                 "--lines is the console for who hears or types lines: no screen, commands by the same names, answers "
                 "as sentences;\n"
                 "\"help\" lists them.\n"
                 "--on-alert PROGRAM calls the program for each new alert while the console (or --lines) watches; it "
                 "finds a JSON\n"
                 "object on its standard input (run, alert, text, state, step, project) and has 30 s.\n"
                 "--read-only looks and changes nothing: no run, setting, label or file of the project. It stands before "
                 "any\n"
                 "command as well, as do --no-color, --quiet (no progress, no word that something was done), --no-input\n"
                 "(nothing is asked: what would ask fails and says what to give) and --plain (tables with one record a line "
                 "and tabs\n"
                 "between fields, for cut, awk and sort).\n"
                 "--fresh opens it as on the first day: what it keeps of a project (console.json) is left alone.\n"
                 "--slow is for a line that carries little: ASCII, and one frame a second at most when only numbers "
                 "change.\n"
                 "--copy-file FILE is for terminals that have no clipboard for others: Y writes what it copies into "
                 "that file.\n"
                 "--view FILE shows first what somebody wrote with \":view export FILE\": page, runs, axes, smoothing, "
                 "filter.\n");
    fprintf(out, "\n%sEnvironment:%s\n", print_on(out, PRINT_BOLD), print_off(out));
    for (int i = 0; i < n_environment; i++)
        print_item(out, environment[i].name, environment[i].meaning, 20, width);
    fprintf(out, "\n%sExit status:%s\n", print_on(out, PRINT_BOLD), print_off(out));
    for (int i = 0; i < n_exit_statuses; i++)
        fprintf(out, "  %3d  %s\n", exit_statuses[i].status, exit_statuses[i].meaning);
}

static bool is_on(const struct param *p)
{
    return p->fallback && (p->fallback[0] == 't' || p->fallback[0] == 'y' || p->fallback[0] == '1' ||
                           strcmp(p->fallback, "on") == 0);
}

// "--lr X", "--json"; "--[no-]shuffle" for what is on by default.
static void option_name(struct str *s, const struct param *p)
{
    static const char *const values[] = {"", "N", "X", "NAME", "TEXT", "PATH"};
    if (p->type == PARAM_BOOL)
        str_addf(s, is_on(p) ? "--[no-]%s" : "--%s", p->name);
    else
        str_addf(s, "--%s %s", p->name, values[p->type]);
}

// The sentence, then range and default in brackets.
static void option_text(struct str *s, const struct param *p)
{
    char range[300];
    if (p->help)
        str_add(s, p->help);
    if (p->type == PARAM_BOOL) {
        if (is_on(p))
            str_add(s, " (default yes)");
    } else if (*param_range_text(p, range, sizeof range)) {
        str_addf(s, " (%s)", range);
    }
    if (!p->fallback)
        str_add(s, " Must be given.");
    if (p->live)
        str_add(s, " Can be changed while a run runs.");
}

static void print_group(FILE *out, const struct param *const *tables, const char *group, int width)
{
    char title[64];
    text_copy(title, sizeof title, group);
    title[0] = (char)toupper((unsigned char)title[0]);
    fprintf(out, "\n%s%s options:%s\n", print_on(out, PRINT_BOLD), title, print_off(out));
    for (; *tables; tables++)
        for (const struct param *p = *tables; p->name; p++) {
            if (strcmp(p->group ? p->group : "command", group) != 0)
                continue;
            struct str name = {0}, text = {0};
            option_name(&name, p);
            option_text(&text, p);
            print_item(out, str_text(&name), str_text(&text), 26, width);
            str_fini(&name);
            str_fini(&text);
        }
}

// Calls `print` once for each group, in the order in which the tables name them.
static void each_group(FILE *out, const struct param *const *tables, int width,
                       void (*print)(FILE *, const struct param *const *, const char *, int))
{
    const char *seen[ARGS_MAX_TABLES + 28];
    int n_seen = 0;
    for (const struct param *const *t = tables; *t; t++)
        for (const struct param *p = *t; p->name; p++) {
            const char *group = p->group ? p->group : "command";
            bool known = false;
            for (int i = 0; i < n_seen; i++)
                known |= strcmp(seen[i], group) == 0;
            if (known || n_seen == (int)(sizeof seen / sizeof *seen))
                continue;
            seen[n_seen++] = group;
            print(out, tables, group, width);
        }
}

void help_command(FILE *out, const struct args *a, const struct err *why, int width)
{
    const struct command *c = a->command;
    fprintf(out, "Usage: %s\n\n", c->synopsis);
    print_wrapped(out, c->summary, 0, 0, width);
    if (c->help && *c->help) {
        fputc('\n', out);
        print_wrapped(out, c->help, 0, 0, width);
    }
    each_group(out, a->tables, width, print_group);
    if (why) {
        fputc('\n', out);
        fprintf(out, "More options come from the engine, but: ");
        print_wrapped(out, why->text, 0, 0, width);
    }
}

// ---- man page ----

static void man_text(FILE *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        line_start = *text == '\n';
    }
}

// Help text: paragraphs are filled, lines that start with a blank stand as they are.
static void man_body(FILE *out, const char *text)
{
    bool verbatim = false;
    while (*text) {
        size_t n = strcspn(text, "\n");
        bool kept = *text == ' ';
        if (kept != verbatim)
            fputs(kept ? ".nf\n" : ".fi\n", out);
        verbatim = kept;
        struct str line = {0};
        str_addn(&line, text, n);
        if (n == 0)
            fputs(".PP\n", out);
        else {
            man_text(out, str_text(&line));
            fputc('\n', out);
        }
        str_fini(&line);
        text += n + (text[n] == '\n');
    }
    if (verbatim)
        fputs(".fi\n", out);
}

static void man_options(FILE *out, const struct param *const *tables, const char *group)
{
    for (; *tables; tables++)
        for (const struct param *p = *tables; p->name; p++) {
            if (strcmp(p->group ? p->group : "command", group) != 0)
                continue;
            struct str name = {0}, text = {0};
            option_name(&name, p);
            option_text(&text, p);
            fputs(".TP\n.B ", out);
            man_text(out, str_text(&name));
            fputc('\n', out);
            man_text(out, str_text(&text));
            fputc('\n', out);
            str_fini(&name);
            str_fini(&text);
        }
}

static void man_group(FILE *out, const struct param *const *tables, const char *group, int width)
{
    if (strcmp(group, "common") == 0)
        return; // these stand once, in a section of their own
    if (strcmp(group, "command") != 0)
        fprintf(out, ".PP\nOptions, %s:\n", group);
    man_options(out, tables, group);
}

static void man_objectives(FILE *out)
{
    struct engine_description *d = NULL;
    if (engine_describe(&d, NULL))
        return;
    fputs(".SH OBJECTIVES\n\"attune objectives show NAME\" says more, with formula and parameters.\n", out);
    for (int i = 0; i < d->n_objectives; i++) {
        fputs(".TP\n.B ", out);
        man_text(out, d->objectives[i].name);
        fputc('\n', out);
        man_text(out, d->objectives[i].title);
        fputs(". ", out);
        man_text(out, d->objectives[i].summary);
        fputc('\n', out);
    }
    engine_description_free(d);
}

// A command that most pages have stands once.
static bool is_everywhere(const struct command_row *r)
{
    int n = 0;
    for (int page = 0; page < PAGE_N; page++)
        n += r->pages >> page & 1;
    return n > PAGE_N / 2;
}

static void man_console_rows(FILE *out, int page)
{
    for (const struct command_row *r = command_rows; r->id; r++) {
        if (is_everywhere(r) != (page == PAGE_N) || (page < PAGE_N && !(r->pages >> page & 1)))
            continue;
        fputs(".TP\n.B ", out);
        man_text(out, r->name);
        fprintf(out, "%s", r->arg || *r->keys ? "\\fR " : "");
        if (r->arg)
            man_text(out, r->arg);
        if (*r->keys) {
            fputs(r->arg ? "  (" : " (", out);
            man_text(out, r->keys);
            fputc(')', out);
        }
        fputc('\n', out);
        man_text(out, r->help);
        fputc('\n', out);
    }
}

static void man_console(FILE *out)
{
    fputs(".SH COMMANDS OF THE CONSOLE\nBy their keys, by name after a colon there, and in scripts (\\-e). Other keys: "
          "\"attune keys\".\n",
          out);
    fputs(".SS On most pages\n", out);
    man_console_rows(out, PAGE_N);
    for (int page = 0; page < PAGE_N; page++) {
        fprintf(out, ".SS On the page %s\n", key_page_name((enum page)page));
        man_console_rows(out, page);
    }
}

void help_man(FILE *out)
{
    fputs(".SH COMMANDS\n", out);
    for (const struct command *const *c = commands; *c; c++) {
        struct args a = {0};
        struct err e = {0};
        char *no_words[] = {(char *)"help", NULL};
        fputs(".SS ", out);
        man_text(out, (*c)->synopsis);
        fputc('\n', out);
        man_text(out, (*c)->summary);
        fputs("\n", out);
        if ((*c)->help && *(*c)->help) {
            fputs(".PP\n", out);
            man_body(out, (*c)->help);
        }
        int code = args_tables(&a, *c, 1, no_words, &e);
        each_group(out, a.tables, 0, man_group);
        if (code)
            fputs(".PP\nMore options come from the engine; \"attune COMMAND \\-\\-help\" lists them.\n", out);
        if (!c[1]) {
            fputs(".SH COMMON OPTIONS\n", out);
            man_options(out, args_common, "common");
        }
    }
    man_console(out);
    man_objectives(out);
    fputs(".SH ENVIRONMENT\n", out);
    for (int i = 0; i < n_environment; i++)
        fprintf(out, ".TP\n.B %s\n%s\n", environment[i].name, environment[i].meaning);
    fputs(".SH EXIT STATUS\n", out);
    for (int i = 0; i < n_exit_statuses; i++)
        fprintf(out, ".TP\n.B %d\n%s\n", exit_statuses[i].status, exit_statuses[i].meaning);
}
