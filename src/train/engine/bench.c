// attune-engine bench: what a training step, or sampling, costs on this machine, beside what the machine can do.
//
// Every round measures each case once and the calibrator once, so that a machine whose speed wanders is compared with
// itself in the same seconds; medians over the rounds are printed. The processors' time of a step (user and system, all
// threads) stands beside it: with one thread it is what the step would take if nobody else used the machine. Peak memory is
// taken in a process of its own.
#include "config.h"

#include "train/engine/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pool.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"

const struct param engine_bench_params[] = {
    {.name = "rounds", .type = PARAM_INT, .fallback = "7", .min = 1, .max = 1000, .help = "Rounds of measuring; medians count."},
    {.name = "threads", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1024, .help = "Compute threads; 0: one per core."},
    {.name = "device", .type = PARAM_TEXT, .fallback = "cpu", .help = "Where it is measured: cpu or cuda."},
    {.name = "precision", .type = PARAM_TEXT, .fallback = "f32", .help = "f32 or bf16."},
    {.name = "case", .type = PARAM_TEXT, .fallback = "",
     .help = "Only this: dpo-15m, sft-15m, sft-124m, decode-15m, decode-110m, rloo-15m, start-15m (from a run's start "
             "to its first step), or around (head memory, start, recording); for a GPU dpo-124m, dpo-1.3b, dpo-1.3b-real "
             "(texts of many lengths), lora-7b, decode-1.3b, rloo-1.3b, start-1.3b, small-real, small-lora, small-decode, "
             "small-rloo, small-start."},
    {.name = "memory-of", .type = PARAM_TEXT, .fallback = "",
     .help = "Make some steps of this case and print the process's peak memory as JSON."},
    {.name = "json", .type = PARAM_BOOL, .fallback = "no", .help = "Print JSON instead of a table."},
    {0}};

enum { MAX_CASES = 8, MAX_ROUNDS = 1000 };

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

// After these all is allocated and was touched once.
static int steps_before(const struct bench_case *c)
{
    return c->objective ? 2 : 1;
}

static struct bench_place place_of(const struct settings *s)
{
    const int64_t given = settings_int(s, "threads");
    return (struct bench_place){settings_text(s, "device"), settings_text(s, "precision"),
                                given ? (int)given : (int)sysconf(_SC_NPROCESSORS_ONLN)};
}

static int print_memory(const char *name, const struct settings *s, struct err *e)
{
    const struct bench_case *c = bench_case_find(name);
    struct bench_stand *stand;
    struct bench_step step;
    struct rusage usage;
    if (!c || c->start)
        return err_set(e, ERR_USAGE, c ? "%s has no steps whose memory could be measured" : "there is no case %s", name);
    const struct bench_place place = place_of(s);
    int code = bench_stand_open(&stand, c, &place, e);
    if (code)
        return code;
    for (int i = 0; i <= steps_before(c) && !code; i++)
        code = bench_stand_step(stand, &step, e);
    bench_stand_close(stand);
    getrusage(RUSAGE_SELF, &usage);
    return code ? code : engine_print(json_pack("{s:s, s:f}", "case", name, "peak_mib", usage.ru_maxrss / 1024.0), e);
}

// Peak memory in MiB of a process that does nothing but this case.
static int memory_of(const char *name, const struct settings *s, double *mib, struct err *e)
{
    int ends[2], status = -1;
    char text[400];
    if (pipe(ends) < 0)
        return err_errno(e, "cannot make a pipe");
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(path_program(), path_program(), "bench", "--memory-of", name, "--precision", settings_text(s, "precision"),
              "--threads", settings_text(s, "threads"), (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    ssize_t n = pid > 0 ? read(ends[0], text, sizeof text - 1) : -1;
    close(ends[0]);
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 || n <= 0)
        return err_set(e, ERR_FAIL, "measuring the memory of %s failed (status %d)", name, status);
    json_t *answer;
    int code = json_parse(text, (size_t)n, "attune-engine bench --memory-of", &answer, e);
    if (!code) {
        *mib = json_number_value(json_object_get(answer, "peak_mib"));
        json_decref(answer);
    }
    return code;
}

struct result {
    const struct bench_case *c;
    struct bench_stand *stand;
    double seconds[MAX_ROUNDS], processor[MAX_ROUNDS], share[MAX_ROUNDS], peak_mib;
    double sampling[MAX_ROUNDS]; // its share of the step
};

// Seconds that the processors have worked for this process.
static double processor_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static int measure(struct result *results, int n, int rounds, int threads, double *flops, struct err *e)
{
    struct bench_step step;
    int code = 0;
    for (int i = 0; i < n && !code; i++)
        for (int k = 0; k < steps_before(results[i].c) && !code; k++)
            code = bench_stand_step(results[i].stand, &step, e);
    for (int round = 0; round < rounds && !code; round++)
        for (int i = 0; i < n && !code; i++) {
            const double before = bench_calibrate(threads, 0.05);
            const double worked = processor_seconds();
            code = bench_stand_step(results[i].stand, &step, e);
            results[i].processor[round] = processor_seconds() - worked;
            const double after = bench_calibrate(threads, 0.05);
            results[i].seconds[round] = step.seconds;
            results[i].sampling[round] = step.sampling / step.seconds;
            results[i].share[round] = bench_stand_flops(results[i].stand) / step.seconds / ((before + after) / 2);
            flops[round] = (before + after) / 2;
        }
    if (n == 0)
        for (int round = 0; round < rounds; round++)
            flops[round] = bench_calibrate(threads, 0.1);
    return code;
}

static json_t *result_json(struct result *r, int rounds)
{
    const double seconds = median(r->seconds, rounds), gflop = bench_stand_flops(r->stand) / 1e9;
    json_t *row = json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f}", "case", r->c->name, "what", r->c->what,
                            "step_s", seconds, "processor_s", median(r->processor, rounds), "tokens_per_s",
                            bench_stand_tokens(r->stand) / seconds, "gflop_per_s", gflop / seconds,
                            "share_of_calibrator", median(r->share, rounds), "peak_mib", r->peak_mib);
    if (bench_case_samples(r->c))
        json_object_set_new(row, "sampling_share", json_real(median(r->sampling, rounds)));
    return row;
}

#define START_LINE "from the process's start to the first step (%s): %.2f s\n"

// A run's start alone.
static int print_start(const struct bench_case *c, const struct settings *s, struct err *e)
{
    const struct bench_place place = place_of(s);
    double seconds;
    const int code = bench_start(&seconds, c, &place, e);
    if (code)
        return code;
    if (settings_bool(s, "json"))
        return engine_print(json_pack("{s:s, s:s, s:s, s:f}", "case", c->name, "device", place.device, "precision",
                                      place.precision, "startup_s", seconds), e);
    printf(START_LINE, c->what, seconds);
    return 0;
}

static void print_table(const json_t *answer)
{
    const json_t *row, *cases = json_object_get(answer, "cases");
    size_t index;
    printf("%-49s %9s %11s %10s %9s %7s %9s %9s\n", "case", "step", "processors", "tokens/s", "GFLOP/s", "share",
           "peak MiB", "sampling");
    json_array_foreach(cases, index, row) {
        printf("%-49s %7.1fms %9.1fms %10.0f %9.1f %6.0f%% %9.0f", json_string_value(json_object_get(row, "what")),
               1e3 * json_number_value(json_object_get(row, "step_s")),
               1e3 * json_number_value(json_object_get(row, "processor_s")),
               json_number_value(json_object_get(row, "tokens_per_s")),
               json_number_value(json_object_get(row, "gflop_per_s")),
               100 * json_number_value(json_object_get(row, "share_of_calibrator")),
               json_number_value(json_object_get(row, "peak_mib")));
        if (json_object_get(row, "sampling_share"))
            printf(" %8.0f%%", 100 * json_number_value(json_object_get(row, "sampling_share")));
        putchar('\n');
    }
    printf("\ncalibrator: %s, %.1f GFLOP/s (median)\n", json_string_value(json_object_get(answer, "calibrator")),
           json_number_value(json_object_get(answer, "calibrator_gflop_per_s")));
    if (json_object_get(answer, "head_mib"))
        printf("head memory: %.1f MiB more for a vocabulary of 152 000 than for 32 000 at 2048 tokens, weights and their "
               "optimizer state apart and no logits kept (recompute); full logits would take %.0f MiB more "
               "(%.1f %%)\n",
               json_number_value(json_object_get(answer, "head_mib")),
               json_number_value(json_object_get(answer, "head_full_mib")),
               100 * json_number_value(json_object_get(answer, "head_mib")) /
                   json_number_value(json_object_get(answer, "head_full_mib")));
    if (json_object_get(answer, "startup_s"))
        printf(START_LINE "recording a step of 48 metrics: %.4f ms (p99), %.4f ms (median)\n",
               bench_case_find("start-15m")->what,
               json_number_value(json_object_get(answer, "startup_s")),
               1e3 * json_number_value(json_object_get(answer, "recording_p99_s")),
               1e3 * json_number_value(json_object_get(answer, "recording_median_s")));
}

// Everything but the steps: only when all cases are measured.
static int surroundings(const struct settings *s, const struct bench_place *place, json_t *answer, struct err *e)
{
    const struct bench_case *small = bench_case_find("head-32k"), *large = bench_case_find("head-152k");
    double before, after, startup, p99, middle;
    int code = memory_of(small->name, s, &before, e);
    if (!code)
        code = memory_of(large->name, s, &after, e);
    if (!code)
        code = bench_start(&startup, bench_case_find("start-15m"), place, e);
    if (!code)
        code = bench_recording(&p99, &middle, e);
    if (code)
        return code;
    const double more = large->vocab - small->vocab, mib = 1 << 20;
    // Weights, gradients and two moments of the tied embedding, 4 bytes each, grow with the vocabulary.
    json_object_set_new(answer, "head_mib", json_real(after - before - 16 * more * large->d_model / mib));
    json_object_set_new(answer, "head_full_mib", json_real(4 * more * large->groups * large->response / mib));
    json_object_set_new(answer, "startup_s", json_real(startup));
    json_object_set_new(answer, "recording_p99_s", json_real(p99));
    json_object_set_new(answer, "recording_median_s", json_real(middle));
    return 0;
}

int engine_bench(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    static struct result results[MAX_CASES];
    static double flops[MAX_ROUNDS];
    const char *only = settings_text(s, "case");
    const int rounds = (int)settings_int(s, "rounds");
    const struct bench_place place = place_of(s);
    const int threads = place.threads;
    const bool is_cpu = strcmp(place.device, "cpu") == 0;
    int n = 0, code = 0;
    if (*settings_text(s, "memory-of"))
        return print_memory(settings_text(s, "memory-of"), s, e);
    const bool around = strcmp(only, "around") == 0;
    const struct bench_case *one = bench_case_find(only);
    if (*only && !around && !one)
        return err_set(e, ERR_USAGE, "there is no case %s", only);
    if (one && one->start)
        return print_start(one, s, e);
    for (const struct bench_case *c = bench_cases; c->name && !around; c++)
        if (one ? c == one : strncmp(c->name, "head", 4) != 0 && !c->large && !c->start)
            results[n++].c = c;
    // Another device's memory is asked for after the steps, when all that they need is there.
    for (int i = 0; i < n && !code && is_cpu; i++)
        code = memory_of(results[i].c->name, s, &results[i].peak_mib, e);
    for (int i = 0; i < n && !code; i++)
        code = bench_stand_open(&results[i].stand, results[i].c, &place, e);
    if (!code)
        code = measure(results, n, rounds, threads, flops, e);
    if (!code) {
        json_t *answer = json_object(), *cases = json_array();
        for (int i = 0; i < n && !is_cpu; i++)
            results[i].peak_mib = bench_stand_bytes(results[i].stand) / (1 << 20);
        for (int i = 0; i < n; i++)
            json_array_append_new(cases, result_json(&results[i], rounds));
        json_object_set_new(answer, "cases", cases);
        json_object_set_new(answer, "threads", json_integer(threads));
        json_object_set_new(answer, "precision", json_string(settings_text(s, "precision")));
        json_object_set_new(answer, "calibrator", json_string(bench_calibrator_name()));
        json_object_set_new(answer, "calibrator_gflop_per_s", json_real(median(flops, rounds) / 1e9));
        json_object_set_new(answer, "device", json_string(place.device));
        code = (*only && !around) || !is_cpu ? 0 : surroundings(s, &place, answer, e);
        if (!code && settings_bool(s, "json"))
            code = engine_print(json_incref(answer), e);
        else if (!code)
            print_table(answer);
        json_decref(answer);
    }
    for (int i = 0; i < n; i++)
        bench_stand_close(results[i].stand);
    return code;
}
