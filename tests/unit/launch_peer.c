// A program in the place of attune-engine for test_launch: does what its run's name says, with the real store.
#include "config.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/run_db.h"

static int report(const char *dir, enum run_state state, int failure, const char *message, struct run_writer **w)
{
    struct run_status s = {.state = state, .failure = failure, .heartbeat_ms = clock_wall_ms(), .total_steps = 5};
    struct err e = {0};
    run_status_self(&s);
    text_copy(s.message, sizeof s.message, message);
    if (run_writer_open(w, dir, &e) != 0 || run_writer_status(*w, &s, &e) != 0) {
        fprintf(stderr, "attune-engine: %s\n", e.text);
        return err_exit_status(e.code);
    }
    return 0;
}

static int run(const char *project, const char *name)
{
    struct run_writer *w = NULL;
    struct str dir = {0};
    int status = 0;
    if (strcmp(name, "says-why") == 0) {
        fprintf(stderr, "attune-engine: model m: there is no config.json\n");
        return 4;
    }
    if (strcmp(name, "dies") == 0)
        raise(SIGKILL);
    str_addf(&dir, "%s/runs/%s", project, name);
    if (strcmp(name, "fails-later") == 0) {
        status = report(str_text(&dir), RUN_FAILED, ERR_INPUT, "the data hold no pairs", &w);
    } else {
        status = report(str_text(&dir), RUN_RUNNING, 0, "", &w);
        // Without a terminal, in a session of its own, in the project's folder; the test ends it.
        printf("session %d, folder %s, terminal %d\n", getsid(0) == getppid(), getcwd(NULL, 0), isatty(0));
        fflush(stdout);
        sleep(60);
    }
    run_writer_close(w);
    str_fini(&dir);
    return status;
}

static void say(json_int_t id, const char *key, json_t *value)
{
    json_t *line = json_pack("{s:I, s:o}", "id", id, key, value);
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
}

// serve-model as a test wants it: what is asked says how it is answered.
static int serve(void)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    json_int_t held = 0;
    json_t *line;
    printf("{\"serves\": \"a model\"}\n");
    fflush(stdout);
    for (; (n = getline(&text, &cap, stdin)) > 0; json_decref(line)) {
        line = json_loadb(text, (size_t)n, 0, NULL);
        const json_int_t id = json_integer_value(json_object_get(line, "id"));
        const char *ask = json_string_value(json_object_get(line, "ask"));
        const json_t *words = json_object_get(line, "words");
        if (!ask) // a cancel: only what is held is under way
            say(json_integer_value(json_object_get(line, "cancel")), "end",
                json_pack("{s:i, s:i, s:s}", "status", 130, "code", -10, "text", "cancelled"));
        else if (strcmp(ask, "words") == 0) {
            for (size_t i = 0; i < json_array_size(words); i++)
                say(id, "row", json_pack("{s:O}", "word", json_array_get(words, i)));
            say(id, "end", json_pack("{s:i}", "status", 0));
        } else if (strcmp(ask, "hold") == 0) { // until another one comes
            held = id;
            say(id, "row", json_pack("{s:s}", "word", "held"));
        } else if (strcmp(ask, "release") == 0) {
            say(id, "row", json_pack("{s:s}", "word", "first"));
            say(id, "end", json_pack("{s:i}", "status", 0));
            say(held, "row", json_pack("{s:s}", "word", "after"));
            say(held, "end", json_pack("{s:i}", "status", 0));
        } else if (strcmp(ask, "fail") == 0)
            say(id, "end", json_pack("{s:i, s:i, s:s}", "status", 6, "code", -6, "text", "that is too much"));
        else if (strcmp(ask, "sleep") == 0) {
            usleep(300000);
            say(id, "end", json_pack("{s:i}", "status", 0));
        } else if (strcmp(ask, "die") == 0)
            return fprintf(stderr, "attune-engine: the weights are gone\n"), 4;
        else if (strcmp(ask, "nonsense") == 0) {
            puts("no JSON");
            fflush(stdout);
        }
    }
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    char line[100];
    if (argc >= 2 && strcmp(argv[1], "serve-model") == 0)
        return serve();
    if (argc == 6 && strcmp(argv[1], "run") == 0 && strcmp(argv[2], "--project") == 0 && strcmp(argv[4], "--run") == 0)
        return run(argv[3], argv[5]);
    if (argc == 6 && strcmp(argv[1], "check") == 0)
        puts("{\"possible\": true}");
    else if (argc == 2 && strcmp(argv[1], "describe") == 0)
        printf("{\"version\": \"1\", \"params\": [{\"name\": \"model\", \"type\": \"path\", \"default\": \"\"},"
               " {\"name\": \"data\", \"type\": \"path\", \"default\": \"\"}, {\"name\": \"lr\", \"type\": \"float\", "
               "\"default\": \"1e-5\", \"live\": true}], \"objectives\": [{\"name\": \"dpo\", \"title\": \"DPO\", "
               "\"needs_reference\": true, \"params\": [{\"name\": \"beta\", \"type\": \"float\", \"default\": "
               "\"0.1\"}]}]}\n");
    else if (argc == 2 && strcmp(argv[1], "wrong") == 0)
        printf("this is no JSON\n");
    else if (argc == 2 && strcmp(argv[1], "refuse") == 0)
        return fprintf(stderr, "attune-engine: that is too large\n"), 6;
    else if (argc == 2 && strcmp(argv[1], "chatter") == 0) {
        for (int i = 0; i < 100000; i++) // more than any pipe holds, on both
            fprintf(stderr, "%d of a lot of words\n", i);
        printf("[1, 2]\n");
    } else if (argc == 2 && strcmp(argv[1], "echo") == 0)
        while (fgets(line, sizeof line, stdin)) {
            printf("got %s", line);
            fflush(stdout);
        }
    else
        return 2;
    return 0;
}
