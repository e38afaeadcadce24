// demo_cast OUT.cast [STEPS]: a person's first minutes with the demo, recorded as asciicast v2 for players of such files:
// DPO and preference matching learn side by side, their checkpoints answer a prompt and are voted on, pairs of a file are
// judged.
// The programs are the real ones, started from a shell in a pseudo-terminal; waiting for training is what players leave out
// (idle_time_limit).
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "testing.h"

#include "base/clock.h"
#include "ui/rig.h"

enum { WIDTH = 110, HEIGHT = 32 };

static FILE *out;
static double begun_s;
static struct str held; // the beginning of a character whose end is still to come

static void give_up(const char *why)
{
    fprintf(stderr, "demo_cast: %s\n", why);
    exit(1);
}

// How many bytes at the end are a character that is not whole.
static size_t unfinished(const char *bytes, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char c = (unsigned char)bytes[n - back];
        if (c >= 0xc0)
            return back < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? back : 0;
        if (c < 0x80)
            return 0;
    }
    return 0;
}

static void record(const char *bytes, size_t n)
{
    str_addn(&held, bytes, n);
    const size_t rest = unfinished(held.data, held.len), whole = held.len - rest;
    json_t *text = json_stringn(held.data, whole);
    if (!whole)
        return;
    if (!text)
        give_up("what was written is not UTF-8");
    char *quoted = json_dumps(text, JSON_ENCODE_ANY), tail[4];
    fprintf(out, "[%.3f, \"o\", %s]\n", clock_seconds() - begun_s, quoted);
    free(quoted);
    json_decref(text);
    memcpy(tail, held.data + whole, rest);
    str_clear(&held);
    str_addn(&held, tail, rest);
}

static void begin(const char *path)
{
    json_t *head = json_pack("{s:i, s:i, s:i, s:I, s:f, s:s, s:{s:s}}", "version", 2, "width", WIDTH, "height", HEIGHT,
                             "timestamp", (json_int_t)time(NULL), "idle_time_limit", 1.5, "title",
                             "Attune: DPO against preference matching", "env", "TERM", "xterm-256color");
    char *line = json_dumps(head, JSON_COMPACT);
    out = fopen(path, "w");
    if (!out)
        give_up("the file cannot be written");
    fprintf(out, "%s\n", line);
    free(line);
    json_decref(head);
    begun_s = clock_seconds();
}

// ---- somebody types ----

static void look(struct rig *r, double seconds)
{
    for (const double until = clock_seconds() + seconds; clock_seconds() < until;)
        rig_read(r, 0.02);
}

static void type(struct rig *r, const char *text)
{
    for (char key[2] = ""; *text; text++) {
        key[0] = *text;
        rig_send(r, key);
        look(r, 0.06);
    }
}

// A key or a line, what it leads to, and the time to read that.
static void say(struct rig *r, const char *keys, const char *shows, double seconds)
{
    type(r, keys);
    for (const double until = clock_seconds() + 20; !rig_shows(r, shows); rig_read(r, 0.1))
        if (r->has_ended || clock_seconds() > until) {
            struct str shown = {0};
            rig_text(r, false, &shown);
            fprintf(stderr, "%s\n", str_text(&shown));
            str_fini(&shown);
            give_up(shows);
        }
    look(r, seconds);
}

static void train(struct rig *r, const char *steps)
{
    struct str line = {0};
    str_addf(&line, "attune demo open --steps %s\r", steps);
    say(r, str_text(&line), "[2 Curves]", 4);
    str_fini(&line);
    say(r, ":layout dpo-pm\r", "DPO against PM-RLHF", 4);
    say(r, "1", "[1 Runs]", 1);
    for (const double until = clock_seconds() + 1200; rig_shows(r, "running") || rig_shows(r, "queued");)
        if (!rig_read(r, 1) && clock_seconds() > until)
            give_up("the runs do not end");
    say(r, "", "done", 2);
    say(r, "\r", "[2 Curves]", 2);
    say(r, ".", "step", 3);
}

static void compare(struct rig *r)
{
    say(r, "1", "[1 Runs]", 1);
    say(r, "=", "[5 Compare]", 1);
    say(r, "eOnce upon a time there was a fox.\r", "A and B share", 4);
    say(r, "d", "[5 Compare]", 3);
    say(r, "2", "voted:", 3);
    say(r, ":runs\r", "[1 Runs]", 1);
}

static void label(struct rig *r)
{
    say(r, "q", "$", 1);
    say(r, "attune demo pairs --n 12 --out pairs.jsonl\r", "$", 2);
    say(r, "attune label pairs.jsonl --annotator you\r", " 0/", 3);
    say(r, "2", " 1/", 2);
    say(r, "6", " 2/", 2);
    say(r, "4", " 3/", 2);
    say(r, "u", " 2/", 2);
    say(r, "s", "2", 3);
}

int main(int argc, char **argv)
{
    struct rig r;
    char project[] = "/tmp/attune-demo-XXXXXX", *build = test_build("");
    struct str path = {0};
    if (argc < 2 || !mkdtemp(project))
        give_up("demo_cast OUT.cast [STEPS]");
    str_addf(&path, "%s:%s", build, getenv("PATH"));
    setenv("PATH", str_text(&path), 1);
    setenv("PS1", "$ ", 1);
    setenv("HOME", project, 1);
    unsetenv("ENV");
    begin(argv[1]);
    if (chdir(project) != 0)
        give_up("its folder cannot be entered");
    rig_start(&r, &(struct rig_options){.project = project, .program = "/bin/sh", .width = WIDTH, .height = HEIGHT,
                                        .args = (const char *const[]){"-i", NULL}});
    r.heard = record;
    say(&r, "", "$", 1); // the screen's text has no blanks at the end
    train(&r, argc > 2 ? argv[2] : "60");
    compare(&r);
    label(&r);
    rig_send(&r, "\003\003");
    look(&r, 1);
    rig_send(&r, "exit\r");
    if (rig_end(&r) != 0 || fclose(out) != 0)
        give_up("it did not end well");
    assert_ok(file_remove_tree(project, e));
    str_fini(&path);
    str_fini(&held);
    free(build);
    return 0;
}
