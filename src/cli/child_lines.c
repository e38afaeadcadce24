#include "config.h"

#include "cli/child_lines.h"

#include <stdbool.h>
#include <string.h>

#include "launch/server.h"

// Options of the process, which loads the model by them; the others are the question's.
static bool is_loaded(const char *option)
{
    static const char *const names[] = {"model", "tokenizer", "device", "precision", "threads"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], option) == 0)
            return true;
    return false;
}

int child_lines(const char *const *args, int (*take)(void *arg, const json_t *row, struct err *e), void *arg, struct err *e)
{
    json_t *loaded = json_object(), *options = json_object(), *words = json_array();
    struct engine_server *server = NULL;
    int at = 1, code = 0;
    for (; args[at] && strcmp(args[at], "--") != 0 && args[at + 1] && !code; at += 2)
        if (json_object_set_new(is_loaded(args[at] + 2) ? loaded : options, args[at] + 2, json_string(args[at + 1])))
            code = err_set(e, ERR_INPUT, "the value of %s is not UTF-8", args[at]);
    for (at += args[at] != NULL; args[at - 1] && args[at] && !code; at++)
        if (json_array_append_new(words, json_string(args[at])))
            code = err_set(e, ERR_INPUT, "a word of the command is not UTF-8");
    if (!code)
        code = engine_server_start(&server, loaded, e);
    if (!code)
        code = engine_server_call(server, args[0], options, words, take, arg, e);
    if (server)
        code = engine_server_end(server, code, e);
    json_decref(loaded);
    json_decref(options);
    json_decref(words);
    return code;
}
