// The real program under random keys, reports of the mouse, pastes, broken UTF-8 and pieces of escape sequences, while its
// terminal changes its size: it ends only when it is told to, and writes only where it may. The suite sends twenty thousand
// events; ATTUNE_BARS=whole a million. With another seed: ATTUNE_SEED=7.
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"

#include "base/clock.h"
#include "base/rng.h"
#include "ui/fixture.h"
#include "ui/rig.h"

static char *folder;

// Nothing that is pressed may start a training: the engine says what it offers, and nothing else.
static void make_engine(void)
{
    char *real = test_build("attune-engine"), *path = path_join(folder, "engine");
    struct str text = {0};
    str_addf(&text,
             "#!/bin/sh\n[ \"$1\" = describe ] && exec '%s' describe\necho 'attune-engine: not here' >&2\nexit 1\n",
             real);
    assert_ok(file_write(path, str_text(&text), text.len, e));
    assert_int_equal(chmod(path, 0755), 0);
    setenv("ATTUNE_ENGINE", path, 1);
    str_fini(&text);
    free(real);
    free(path);
}

static int set_up(void **state)
{
    folder = test_folder();
    project = fixture_project(200);
    make_engine();
    setenv("HOME", folder, 1);
    char *work = path_join(folder, "work");
    assert_int_equal(mkdir(work, 0755), 0);
    assert_int_equal(chdir(work), 0);
    free(work);
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(chdir("/"), 0);
    assert_ok(file_remove_tree(project, e));
    assert_ok(file_remove_tree(folder, e));
    free(project);
    free(folder);
    return 0;
}

static void add_event(struct rng *r, struct str *out)
{
    static const char *const sequences[] = {"\033[A", "\033[B", "\033OC", "\033[D", "\033[5~", "\033[6~", "\033[H",
                                            "\033[F", "\033[Z", "\033[21~", "\033", "\033[", "\033[<",
        "\033]11;rgb:1/2", "\a", "\033\\", "\033[?62;4c", "\033[?2026;2$y", "\033]11;rgb:ff/ff/ff\a", "\033P+", "\t",
        "\r", "\r", "\177", "\014", "\032"};
    enum { N = sizeof sequences / sizeof *sequences };
    switch (rng_below(r, 16)) {
    case 0:
        str_addf(out, "\033[<%u;%u;%u%c", (unsigned)(rng_below(r, 4) ? rng_below(r, 4) : 64 + rng_below(r, 2)),
                 (unsigned)rng_below(r, 140), (unsigned)rng_below(r, 60), rng_below(r, 3) ? 'M' : 'm');
        break;
    case 1:
    case 2:
    case 3:
        str_add(out, sequences[rng_below(r, N)]);
        break;
    case 4:
        for (int i = 0; i < 4; i++)
            str_addc(out, (char)(128 + rng_below(r, 128)));
        break;
    case 5:
        if (rng_below(r, 8) == 0) {
            str_add(out, "\033[200~");
            for (uint64_t i = rng_below(r, 300); i > 0; i--)
                str_addc(out, (char)(1 + rng_below(r, 255)));
            str_add(out, "\033[201~");
        }
        break;
    case 6:
        str_addc(out, ':');
        for (uint64_t i = rng_below(r, 6); i > 0; i--)
            str_addc(out, (char)('a' + rng_below(r, 26)));
        str_addc(out, rng_below(r, 2) ? '\r' : '\t');
        break;
    default: {
        char key = (char)(32 + rng_below(r, 95));
        if (key == 'q' && rng_below(r, 4)) // leaving is tried as well, but a start takes its time
            key = 'j';
        str_addc(out, key);
    }
    }
}

// Reads what comes while the bytes go out; false: the program has ended.
static bool push(struct rig *r, const char *bytes, size_t n)
{
    const double until = clock_seconds() + 30;
    while (n > 0) {
        struct pollfd p = {.fd = r->fd, .events = POLLIN | POLLOUT};
        if (poll(&p, 1, 1000) > 0 && p.revents & POLLIN)
            rig_read(r, 0);
        if (r->has_ended || (p.revents & POLLHUP && !(p.revents & POLLIN)))
            return false;
        if (p.revents & POLLOUT) {
            const ssize_t m = write(r->fd, bytes, n);
            if (m < 0 && errno != EAGAIN)
                return false;
            bytes += m > 0 ? m : 0;
            n -= m > 0 ? (size_t)m : 0;
        }
        if (clock_seconds() > until)
            fail_msg("the program takes no more input");
    }
    while (rig_read(r, 0))
        continue;
    return !r->has_ended;
}

static void start(struct rig *r)
{
    rig_start(r, &(struct rig_options){.project = project, .width = 80, .height = 24, .keeps_session = true});
    for (int i = 0; i < 300 && r->bytes == 0; i++)
        rig_read(r, 0.1);
    fcntl(r->fd, F_SETFL, O_NONBLOCK);
}

// What stands in a folder, apart from what the program may write there.
static void check_folder(const char *path, const char *const *allowed)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir));) {
        bool known = d->d_name[0] == '.' && (!d->d_name[1] || d->d_name[1] == '.');
        for (int i = 0; allowed[i]; i++)
            known = known || text_starts(d->d_name, allowed[i]);
        if (!known)
            fail_msg("%s/%s was written", path, d->d_name);
    }
    closedir(dir);
}

// What it printed when it had given the terminal back is the end of its output.
static void check_end(struct rig *r, uint64_t seed, long events, const char *last)
{
    const double until = clock_seconds() + 30;
    while (!r->has_ended && clock_seconds() < until)
        rig_read(r, 0.1);
    struct str shown = {0};
    rig_text(r, false, &shown);
    const int status = rig_end(r);
    if (status != 0)
        fail_msg("seed %llu, after %ld events: it ended with %d; the last input was %s\nand the terminal shows:\n%s",
                 (unsigned long long)seed, events, status, last, str_text(&shown));
    str_fini(&shown);
}

static void random_input_does_no_harm_q12(void **state)
{
    const char *bars = getenv("ATTUNE_BARS"), *seed_text = getenv("ATTUNE_SEED");
    const long n_events = bars && strcmp(bars, "whole") == 0 ? 1000000 : 20000;
    const uint64_t seed = seed_text ? (uint64_t)atoll(seed_text) : 12;
    struct rng random = rng_make(seed, RNG_TEST, 3);
    struct str chunk = {0};
    struct rig r;
    long n_ends = 0;
    start(&r);
    for (long i = 0; i < n_events;) {
        str_clear(&chunk);
        for (int k = 0; k < 20; k++, i++)
            add_event(&random, &chunk);
        bool lives = push(&r, str_text(&chunk), chunk.len);
        if (lives && rng_below(&random, 10) == 0)
            rig_resize(&r, 1 + (int)rng_below(&random, 160), 1 + (int)rng_below(&random, 60));
        if (lives)
            continue;
        check_end(&r, seed, i, str_text(&chunk));
        n_ends++;
        start(&r);
    }
    rig_kill(&r, SIGTERM);
    check_end(&r, seed, n_events, "a signal");
    print_message("          %ld events, seed %llu: left %ld times by its own keys\n", n_events,
                  (unsigned long long)seed, n_ends);
    str_fini(&chunk);
    // Files that were asked for by name ("snapshot") go to the working folder; everything else to the project.
    check_folder(project, (const char *const[]){"attune.db", "runs", "console.json", "recipes", "keys.conf", NULL});
    check_folder(folder, (const char *const[]){"engine", "work", NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_input_does_no_harm_q12)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
