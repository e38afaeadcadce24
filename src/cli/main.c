// attune: the console, or one command. Only finds out which; everything else is in the commands.
#include "config.h"

#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/manner.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/print.h"
#include "launch/engine.h"
#include "ui/ui.h"

static int wrong(const char *format, const char *word, const char *near)
{
    struct str s = {0};
    str_add_visible(&s, word, strlen(word), false);
    fprintf(stderr, format, str_text(&s));
    if (near)
        fprintf(stderr, " Did you mean \"%s\"?", near);
    fprintf(stderr, "\nTry: attune --help\n");
    str_fini(&s);
    return err_exit_status(ERR_USAGE);
}

static int unknown_command(char **argv, int argc)
{
    const char *nearest = NULL;
    size_t least = 3, n = strlen(argv[0]);
    for (const struct command *const *c = commands; *c; c++) {
        if (strncmp((*c)->name, argv[0], n) == 0 && (*c)->name[n] == ' ') {
            struct str list = {0}; // "attune data": the second words that exist
            for (const struct command *const *d = commands; *d; d++)
                if (strncmp((*d)->name, argv[0], n) == 0 && (*d)->name[n] == ' ')
                    str_addf(&list, "%s%s", list.len ? ", " : "", (*d)->name + n + 1);
            fprintf(stderr, "attune %s: which of these: %s?\nTry: attune %s --help\n", argv[0], str_text(&list), (*c)->name);
            str_fini(&list);
            return err_exit_status(ERR_USAGE);
        }
        size_t d = text_distance(argv[0], (*c)->name);
        if (d < least) {
            least = d;
            nearest = (*c)->name;
        }
    }
    return wrong("attune: there is no command \"%s\".", argv[0], nearest);
}

// The reader of our output has gone, such as head after its lines: nothing is lost that anybody waits for.
static bool reader_has_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

// Lines "warning: ..." of an engine that did its work.
static void print_warnings(const char *text)
{
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = text + strcspn(text, "\n");
        if (text_starts(text, "attune-engine: "))
            text += strlen("attune-engine: ");
        struct str line = {0};
        str_add_visible(&line, text, (size_t)(end - text), false);
        fprintf(stderr, "attune: %s\n", str_text(&line));
        str_fini(&line);
    }
}

static int run_command(int argc, char **argv)
{
    engine_said = print_warnings;
    int n_words = 1;
    const struct command *c = command_match(argc, argv, &n_words);
    if (!c)
        return unknown_command(argv, argc);
    int status = c->run(argc - (n_words - 1), argv + (n_words - 1));
    if ((fflush(stdout) != 0 || ferror(stdout)) && !reader_has_gone()) {
        fprintf(stderr, "attune %s: cannot write the output (is the disk full?)\n", c->name);
        return status ? status : err_exit_status(ERR_IO);
    }
    return status;
}

static int run_console(const struct ui_options *how, const char *script_file)
{
    struct err fault = {0};
    char *text = NULL;
    size_t n_bytes;
    int code = 0;
    if (script_file)
        code = file_read(script_file, 1024 * 1024, &text, &n_bytes, &fault);
    struct ui_options options = *how;
    if (script_file)
        options.script = text;
    if (!code)
        code = ui_console(&options, &fault);
    free(text);
    if (code)
        fprintf(stderr, "attune: %s\n", fault.text);
    return code ? err_exit_status(code) : 0;
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); // numbers are read and written with a point
    commands = command_table;
    signal(SIGPIPE, SIG_IGN);   // a closed pipe is a write that fails
    path_program_set(argv[0]);
    file_fault_init();
    const char *script_file = NULL;
    struct ui_options how = {0};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help_program(stdout, print_width(stdout));
            return 0;
        }
        if (strcmp(argv[i], "--version") == 0) {
            printf("attune %s\n", PACKAGE_VERSION);
            return 0;
        }
        if (strcmp(argv[i], "--project") == 0 && i + 1 < argc)
            setenv("ATTUNE_PROJECT", argv[++i], 1);
        else if (text_starts(argv[i], "--project="))
            setenv("ATTUNE_PROJECT", argv[i] + strlen("--project="), 1);
        else if (strcmp(argv[i], "-e") == 0 && i + 1 < argc)
            how.script = argv[++i];
        else if (strcmp(argv[i], "--script") == 0 && i + 1 < argc)
            script_file = argv[++i];
        else if (strcmp(argv[i], "--read-only") == 0)
            manner_set(MANNER_READ_ONLY);
        else if (strcmp(argv[i], "--quiet") == 0)
            manner_set(MANNER_QUIET);
        else if (strcmp(argv[i], "--no-input") == 0)
            manner_set(MANNER_NO_INPUT);
        else if (strcmp(argv[i], "--plain") == 0)
            manner_set(MANNER_PLAIN);
        else if (strcmp(argv[i], "--no-color") == 0)
            setenv("NO_COLOR", "1", 1);
        else if (strcmp(argv[i], "--fresh") == 0)
            how.fresh = true;
        else if (strcmp(argv[i], "--lines") == 0)
            how.lines = true;
        else if (strcmp(argv[i], "--on-alert") == 0 && i + 1 < argc)
            how.on_alert = argv[++i];
        else if (strcmp(argv[i], "--slow") == 0)
            how.slow = true;
        else if (strcmp(argv[i], "--view") == 0 && i + 1 < argc)
            how.view = argv[++i];
        else if (text_starts(argv[i], "--view=") && argv[i][strlen("--view=")])
            how.view = argv[i] + strlen("--view=");
        else if (strcmp(argv[i], "--copy-file") == 0 && i + 1 < argc)
            how.copy_file = argv[++i];
        else if (text_starts(argv[i], "--copy-file=") && argv[i][strlen("--copy-file=")])
            how.copy_file = argv[i] + strlen("--copy-file=");
        else
            return wrong("attune: there is no option %s here.", argv[i], NULL);
    }
    if (i < argc)
        return run_command(argc - i, argv + i);
    return run_console(&how, script_file);
}
