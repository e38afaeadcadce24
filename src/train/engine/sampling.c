// With "stream" there is a row for each piece of text as it is made, {"prompt": 0, "sample": 0, "piece": " and"}; then for
// every sample one with the whole text. With "tokens" as well there is one for every token, which has "id" and "logp", also
// where its piece is "" because a character's other bytes are still to come.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"
#include "corpus/corpus.h"
#include "model/generator.h"
#include "model/generation_config.h"
#include "train/engine/answers.h"
#include "train/engine/sampling.h"
#include "text/stop_texts.h"
#include "train/engine/session.h"

const struct param engine_sample_params[] = {
    SESSION_PARAMS,
    {.name = "prompts", .type = PARAM_PATH, .fallback = "", .help = "A file of prompts, instead of prompts as arguments."},
    HISTORY_PARAM,
    READING_PARAMS,
    {.name = "samples", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 1024, .help = "Answers per prompt."},
    {.name = "max-tokens", .type = PARAM_INT, .fallback = "128", .min = 1, .max = 1048576, .help = "Longest answer."},
    {.name = "temperature", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 100, .help = "0: the likeliest token."},
    {.name = "top-k", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1000000, .help = "Only the likeliest k; 0: all."},
    {.name = "top-p", .type = PARAM_FLOAT, .fallback = "1", .min = 0.0001, .max = 1, .help = "Only the likeliest share p."},
    {.name = "min-p", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1,
     .help = "Only tokens at least so likely as this share of the likeliest; 0: all."},
    {.name = "stop", .type = PARAM_TEXT, .fallback = "", .help = "Texts at which an answer ends, separated by commas."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0, .help = "Fixes the answers."},
    {.name = "stream", .type = PARAM_BOOL, .fallback = "no", .help = "Print pieces of text as they are made."},
    {.name = "tokens", .type = PARAM_BOOL, .fallback = "no",
     .help = "With stream: a row for every token, with its number and log-probability."},
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."},
    {0}};

struct sampling {
    struct session session;
    struct corpus *corpus;   // of --prompts, else NULL
    char *lines;             // or of a text file, cut at its line ends
    struct prompt {
        struct sampling *all;
        int number;
        int32_t *tokens;
        int n_tokens;
        char *text;                 // what was asked; borrowed
        struct gen_job *job;        // NULL before it began and once it has ended
        struct gen_sample *samples; // once it has ended
        bool ended;
    } *prompts;
    int n, n_printed; // in their order
    bool stream, tokens; // rows as they are made
    sampling_say say;
    void *arg;
    struct err fault;
    struct stream {
        int32_t *tokens;
        size_t n_shown; // bytes
        int n_tokens, cap;
    } *streams; // by prompt * samples + sample, when streaming
    int n_samples, max_tokens;
    struct stop_texts *stops; // NULL: none
    struct generator *generator;
};

static int add_prompt(struct sampling *x, const struct example *ex, struct err *e)
{
    int32_t *ids;
    int n;
    int code = dataset_prompt_tokens(&x->session.text, ex, &ids, &n, e);
    if (code)
        return code;
    x->prompts[x->n] = (struct prompt){.all = x, .number = x->n, .tokens = ids, .n_tokens = n,
                                       .text = (char *)(ex->n_turns ? ex->turns[ex->n_turns - 1].text : "")};
    x->n++;
    return 0;
}

static int add_text(struct sampling *x, const char *text, struct err *e)
{
    const struct turn turn = {.role = "user", .text = text};
    const struct example ex = {.turns = &turn, .n_turns = 1};
    return add_prompt(x, &ex, e);
}

// A text file has a prompt a line; blank lines say nothing.
static int read_lines(struct sampling *x, const struct settings *s, size_t *n, struct err *e)
{
    enum { MOST = 64 << 20 };
    const char *file = settings_text(s, "prompts");
    const size_t limit = (size_t)settings_int(s, "limit");
    size_t n_bytes;
    if (!text_ends(file, ".txt") && !text_ends(file, ".txt.gz"))
        return 0;
    int code = file_read(file, MOST, &x->lines, &n_bytes, e);
    if (code)
        return code;
    if (strlen(x->lines) != n_bytes || !utf8_is_valid(x->lines, n_bytes))
        return err_set(e, ERR_INPUT, "%s is not text in UTF-8", file);
    for (char *line = x->lines, *end; *line && (!limit || *n < limit); line = end) {
        end = line + strcspn(line, "\n");
        *n += line + strspn(line, " \t\r") < end;
        end += *end == '\n';
    }
    return 0;
}

static int add_lines(struct sampling *x, size_t n, struct err *e)
{
    int code = 0;
    for (char *line = x->lines, *next; line && *line && n && !code; line = next) {
        next = line + strcspn(line, "\n");
        if (*next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (!line[strspn(line, " \t")])
            continue;
        code = add_text(x, line, e);
        n--;
    }
    return code;
}

// Those of the corpus, if there is one; room is made for so many more.
static int add_corpus(struct sampling *x, const struct settings *s, size_t more, struct err *e)
{
    const size_t n = x->corpus ? x->corpus->n_examples : 0;
    int code = n ? session_take_corpus(&x->session, s, x->corpus, e) : 0;
    x->prompts = mem_alloc(n + more, sizeof *x->prompts);
    for (size_t i = 0; i < n && !code; i++)
        code = add_prompt(x, &x->corpus->examples[i], e);
    return code;
}

static int read_prompts(struct sampling *x, const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *file = settings_text(s, "prompts"), *history = settings_text(s, "history");
    size_t n_lines = 0;
    if (*history && (*file || n_rest == 0))
        return err_set(e, ERR_USAGE, "--history goes with prompts as arguments: a file has its own conversations");
    if (*history) {
        int code = session_load_conversations(&x->corpus, history, rest, n_rest, NULL, e);
        return code ? code : add_corpus(x, s, 0, e);
    }
    int code = read_lines(x, s, &n_lines, e);
    if (!code && *file && !x->lines)
        code = session_load_corpus(&x->corpus, file, s, e);
    if (code)
        return code;
    const size_t n = (x->corpus ? x->corpus->n_examples : n_lines) + (size_t)n_rest;
    if (n == 0)
        return err_set(e, ERR_USAGE, "there is nothing to answer: give prompts as arguments or --prompts FILE");
    code = add_corpus(x, s, n - (x->corpus ? x->corpus->n_examples : 0), e);
    if (!code)
        code = add_lines(x, n_lines, e);
    for (int i = 0; i < n_rest && !code; i++)
        code = add_text(x, rest[i], e);
    return code;
}

// Bytes of whole characters; a character whose bytes are still to come waits.
static size_t whole_characters(const char *text, size_t n)
{
    for (size_t back = 1; back <= 3 && back <= n; back++) {
        const unsigned char c = (unsigned char)text[n - back];
        if (c < 0x80)
            return n;
        if (c >= 0xc0)
            return back < (c >= 0xf0 ? 4u : c >= 0xe0 ? 3u : 2u) ? n - back : n;
    }
    return n;
}

// A row to whoever listens; the first failure stops the sampling.
static bool tell(struct sampling *x, json_t *row)
{
    if (!x->fault.code && x->say(x->arg, row, &x->fault) && !x->fault.code)
        err_set(&x->fault, ERR_IO, "nobody listens to the answers");
    return !x->fault.code;
}

static bool on_token(void *arg, int sample, int32_t token, float logprob)
{
    const struct prompt *p = arg;
    struct sampling *x = p->all;
    if (x->fault.code || !x->stream)
        return !x->fault.code;
    struct stream *s = &x->streams[p->number * x->n_samples + sample];
    char *text;
    size_t n;
    MEM_GROW(s->tokens, s->n_tokens, s->cap);
    s->tokens[s->n_tokens++] = token;
    if (tokenizer_decode_more(x->session.tokenizer, s->tokens, (size_t)s->n_tokens, true, &text, &n, NULL))
        return true;
    size_t whole = whole_characters(text, n);
    whole = whole > s->n_shown ? whole : s->n_shown; // with one more token a decoder may take something back
    if (whole > s->n_shown || x->tokens) {
        json_t *row = json_pack("{s:i, s:i, s:o}", "prompt", p->number, "sample", sample, "piece",
                                json_bytes(text + s->n_shown, whole - s->n_shown));
        if (x->tokens) {
            json_object_set_new(row, "id", json_integer(token));
            json_object_set_new(row, "logp", json_computed((double)logprob));
        }
        tell(x, row);
        s->n_shown = whole;
    }
    free(text);
    return !x->fault.code;
}

static void print_sample(struct sampling *x, const struct prompt *p, const struct gen_sample *g)
{
    char *text;
    size_t n;
    double logp = 0;
    if (tokenizer_decode_more(x->session.tokenizer, g->tokens, (size_t)g->n_tokens, true, &text, &n, &x->fault))
        return;
    for (int i = 0; i < g->n_tokens; i++)
        logp += g->logprobs[i];
    json_t *answer = json_bytes(text, n);
    free(text);
    tell(x, json_pack("{s:i, s:i, s:o, s:o, s:i, s:o, s:b}", "prompt", p->number, "sample", g->sample, "asked",
                      json_bytes(p->text, strlen(p->text)), "text", answer, "n_tokens", g->n_tokens, "logp",
                      json_computed(logp), "stopped", g->stopped));
}

// Answers are printed in the order of the prompts: those that were ready before their time wait.
static void on_end(void *arg, struct gen_sample *samples, bool whole)
{
    struct prompt *p = arg;
    struct sampling *x = p->all;
    p->job = NULL;
    p->ended = whole;
    p->samples = samples;
    for (; x->n_printed < x->n && x->prompts[x->n_printed].ended && !x->fault.code; x->n_printed++) {
        struct prompt *next = &x->prompts[x->n_printed];
        for (int i = 0; i < x->n_samples && !x->fault.code; i++)
            print_sample(x, next, &next->samples[i]);
        gen_samples_free(next->samples, x->n_samples);
        next->samples = NULL;
    }
}

static int submit(struct sampling *x, const struct settings *s, struct err *e)
{
    struct gen_options o = {.max_new_tokens = (int)settings_int(s, "max-tokens"),
                            .temperature = (float)settings_float(s, "temperature"),
                            .top_k = (int)settings_int(s, "top-k"), .top_p = (float)settings_float(s, "top-p"),
                            .min_p = (float)settings_float(s, "min-p"), .seed = (uint64_t)settings_int(s, "seed"),
                            .stop_ids = x->session.rules.stops, .n_stop = x->session.rules.n_stops};
    int code = stop_texts_read(&x->stops, settings_text(s, "stop"), x->session.tokenizer, e);
    if (!code)
        code = generator_of(&x->generator, x->session.model, e);
    if (x->stops) {
        o.ends = stop_texts_end;
        o.ends_arg = x->stops;
    }
    if (x->stream)
        x->streams = mem_alloc((size_t)x->n * (size_t)x->n_samples, sizeof *x->streams);
    for (int i = 0; i < x->n && !code; i++) {
        struct prompt *p = &x->prompts[i];
        const struct gen_request r = {.prompt = p->tokens, .n_prompt = p->n_tokens, .n_samples = x->n_samples,
                                      .number = (uint32_t)i, .options = o, .on_token = on_token, .on_end = on_end, .arg = p};
        struct gen_job *job = NULL;
        code = generator_submit(x->generator, &r, &job, e);
        p->job = job;
    }
    return code;
}

static int note_generation_config(const struct settings *s, struct err *e)
{
    struct notes notes = {0};
    int code = generation_config_note(settings_text(s, "model"), &notes, e);
    engine_note(&notes);
    notes_fini(&notes);
    return code;
}

int sampling_start(struct sampling **out, const struct settings *s, char **words, int n_words, sampling_say say, void *arg,
                   struct err *e)
{
    struct sampling *x = mem_alloc(1, sizeof *x);
    x->n_samples = (int)settings_int(s, "samples");
    x->max_tokens = (int)settings_int(s, "max-tokens");
    x->stream = settings_bool(s, "stream");
    x->tokens = settings_bool(s, "tokens");
    x->say = say;
    x->arg = arg;
    int code = session_open(&x->session, s, true, e);
    if (!code && x->session.has_score)
        code = err_set(e, ERR_USAGE, "%s is a reward model: it judges answers, and gives none", settings_text(s, "model"));
    if (!code)
        code = note_generation_config(s, e);
    if (!code)
        code = read_prompts(x, s, words, n_words, e);
    if (!code)
        code = submit(x, s, e);
    if (code) {
        sampling_free(x);
        return code;
    }
    *out = x;
    return 0;
}

bool sampling_is_done(const struct sampling *x)
{
    return x->fault.code || x->n_printed == x->n;
}

int sampling_fault(const struct sampling *x, struct err *e)
{
    if (x->fault.code && e)
        *e = x->fault;
    return x->fault.code;
}

struct generator *sampling_generator(const struct sampling *x)
{
    return x->generator;
}

size_t sampling_bytes(const struct sampling *x)
{
    return (size_t)x->n * (size_t)x->n_samples * ((size_t)x->max_tokens + 1) * (sizeof(int32_t) + sizeof(float));
}

void sampling_free(struct sampling *x)
{
    if (!x)
        return;
    if (!x->fault.code) // answers that are still to come are not told any more
        err_set(&x->fault, ERR_INTERRUPTED, "sampling was stopped");
    for (int i = 0; i < x->n; i++) {
        if (x->prompts[i].job)
            generator_cancel(x->generator, x->prompts[i].job);
        gen_samples_free(x->prompts[i].samples, x->n_samples);
        free(x->prompts[i].tokens);
    }
    for (int i = 0; x->streams && i < x->n * x->n_samples; i++)
        free(x->streams[i].tokens);
    free(x->streams);
    free(x->prompts);
    corpus_free(x->corpus);
    free(x->lines);
    stop_texts_free(x->stops);
    session_close(&x->session);
    free(x);
}
