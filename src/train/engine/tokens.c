// attune-engine tokens: how a model reads given answers to a prompt: for every token its log-probability and the entropy of
// what it was chosen from, both in nats at temperature 1. One JSON line an answer:
//
//     {"answer": 0, "logp": -31.2, "same_tokens": true, "tokens": [{"id": 262, "text": " was", "logp": -0.4,
//     "entropy": 1.9}, ...]}
//
// The prompt becomes tokens as `sample` makes it. With --ids the answer is these very tokens, where the model's tokenizer
// reads the given text in them; where it does not (another tokenizer) the text is cut anew, and same_tokens is false.
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/decoder.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/session.h"
#include "train/learn/packing.h"

const struct param engine_tokens_params[] = {
    SESSION_PARAMS,
    {.name = "prompt", .type = PARAM_TEXT, .fallback = "", .help = "What was asked."},
    HISTORY_PARAM,
    {.name = "ids",
     .type = PARAM_TEXT,
     .fallback = "",
     .help = "The tokens of the answer, numbers separated by commas, where there is one answer."},
    {0}};

struct token_list {
    int32_t *ids;
    size_t n;
    bool as_given; // they are those that were asked about
};

// out->as_given: all are tokens of this model.
static int read_ids(const char *text, const struct session *x, struct token_list *out, struct err *e)
{
    int cap = 0, n = 0;
    out->as_given = true;
    for (const char *at = text; *at; n++) {
        char *end;
        const long id = strtol(at, &end, 10);
        if (end == at || (*end && *end != ',') || id < 0 || id > INT32_MAX) {
            struct str shown = {.max = 40};
            str_add_visible(&shown, at, strcspn(at, ","), false);
            err_set(e, ERR_USAGE, "--ids: \"%s\" is no token's number: whole numbers from 0 on, separated by commas",
                    str_text(&shown));
            str_fini(&shown);
            return ERR_USAGE;
        }
        out->as_given = out->as_given && id < x->model->arch.vocab_size;
        MEM_GROW(out->ids, n, cap);
        out->ids[n] = (int32_t)id;
        at = end + (*end == ',');
    }
    out->n = (size_t)n;
    return 0;
}

// The given tokens where they are the answer's text for this tokenizer, else the text's own.
static int answer_tokens(const struct session *x, const char *answer, const char *ids, struct token_list *out, struct err *e)
{
    char *text = NULL;
    size_t n;
    *out = (struct token_list){0};
    int code = *ids ? read_ids(ids, x, out, e) : 0;
    if (code)
        return code;
    if (out->as_given && tokenizer_decode_more(x->tokenizer, out->ids, out->n, true, &text, &n, NULL))
        out->as_given = false;
    if (out->as_given) { // what is broken UTF-8 here was shown as U+FFFD to whoever asks
        json_t *shown = json_bytes(text, n);
        out->as_given = json_is_string(shown) && strcmp(json_string_value(shown), answer) == 0;
        json_decref(shown);
    }
    free(text);
    if (out->as_given)
        return 0;
    free(out->ids);
    *out = (struct token_list){0};
    return tokenizer_encode(x->tokenizer, answer, strlen(answer), false, false, &out->ids, &out->n, e);
}

// The prompt and one answer as data of a single group.
static void build(struct dataset *d, const int32_t *prompt, int n_prompt, const struct token_list *answer)
{
    d->groups = mem_alloc(1, sizeof *d->groups);
    d->seqs = mem_alloc(1, sizeof *d->seqs);
    d->n_groups = d->n_seqs = d->cap_groups = d->cap_seqs = 1;
    d->groups[0] =
        (struct ds_group){.prompt = dataset_add_tokens(d, prompt, (size_t)n_prompt), .n_prompt = n_prompt, .n_seqs = 1};
    d->seqs[0] = (struct ds_seq){.first = dataset_add_tokens(d, answer->ids, answer->n), .n = (int)answer->n};
}

// logp and entropy: (answer->n).
static int read_answer(const struct session *x, const int32_t *prompt, int n_prompt, const struct token_list *answer,
                       float *logp, float *entropy, struct err *e)
{
    struct dataset d = {0};
    struct packed p;
    struct decoder *decoder = NULL;
    const int group = 0;
    build(&d, prompt, n_prompt, answer);
    int code = packed_init(&p, &d, 1, 0, e);
    if (code) {
        dataset_fini(&d);
        return code;
    }
    code = decoder_new(&decoder, x->model, false, e);
    if (!code) {
        pack_groups(&p, &d, &group, 1, 1, 0);
        code = decoder_forward(decoder, &p.batch, false, e);
    }
    if (!code)
        code = decoder_logprobs(decoder, &p.batch, p.logprobs, p.entropy, NULL, e);
    for (size_t i = 0; i < answer->n && !code; i++) {
        logp[i] = p.logprobs[i];
        entropy[i] = p.entropy[i];
    }
    decoder_free(decoder);
    packed_fini(&p);
    dataset_fini(&d);
    return code;
}

static int print_answer(const struct session *x, int number, const struct token_list *answer, const float *logp,
                        const float *entropy, struct err *e)
{
    json_t *tokens = json_array();
    double sum = 0;
    for (size_t i = 0; i < answer->n; i++) {
        char *text;
        size_t n;
        if (tokenizer_decode_more(x->tokenizer, &answer->ids[i], 1, true, &text, &n, e)) {
            json_decref(tokens);
            return e ? e->code : ERR_FAIL;
        }
        json_array_append_new(tokens,
                              json_pack("{s:i, s:o, s:o, s:o}", "id", answer->ids[i], "text", json_bytes(text, n), "logp",
                                        json_computed((double)logp[i]), "entropy", json_computed((double)entropy[i])));
        free(text);
        sum += (double)logp[i];
    }
    return engine_print(json_pack("{s:i, s:o, s:b, s:o}", "answer", number, "logp", json_computed(sum), "same_tokens",
                                  answer->as_given, "tokens", tokens),
                        e);
}

static int one_answer(const struct session *x, const int32_t *prompt, int n_prompt, int number, const char *text,
                      const char *ids, struct err *e)
{
    struct token_list answer;
    const int most = x->model->arch.max_positions;
    float *logp = NULL, *entropy = NULL;
    int code = answer_tokens(x, text, ids, &answer, e);
    if (!code && answer.n + (size_t)n_prompt > (size_t)most)
        code = err_set(e, ERR_LIMIT, "prompt and answer have %zu tokens, the model reads at most %d",
                       answer.n + (size_t)n_prompt, most);
    if (!code) {
        logp = mem_alloc(answer.n + 1, sizeof *logp);
        entropy = mem_alloc(answer.n + 1, sizeof *entropy);
    }
    if (!code && answer.n > 0)
        code = read_answer(x, prompt, n_prompt, &answer, logp, entropy, e);
    if (!code)
        code = print_answer(x, number, &answer, logp, entropy, e);
    free(answer.ids);
    free(logp);
    free(entropy);
    return code;
}

int engine_tokens(const struct settings *s, char **words, int n_words, struct err *e)
{
    const struct turn turn = {.role = "user", .text = settings_text(s, "prompt")};
    const struct example plain = {.turns = &turn, .n_turns = 1}, *asked = &plain;
    const char *history = settings_text(s, "history");
    char *words_of_prompt[] = {(char *)turn.text};
    struct corpus *conversation = NULL;
    struct session x;
    int32_t *prompt = NULL;
    int n_prompt = 0;
    if (n_words == 0)
        return err_set(e, ERR_USAGE, "there is nothing to read: give answers as arguments");
    if (*settings_text(s, "ids") && n_words > 1)
        return err_set(e, ERR_USAGE, "--ids are the tokens of one answer, but there are %d", n_words);
    int code = session_open(&x, s, true, e);
    if (code)
        return code;
    if (x.has_score)
        code = err_set(e, ERR_USAGE, "%s is a reward model: its tokens have no probabilities", settings_text(s, "model"));
    if (!code && *history) {
        code = session_load_conversations(&conversation, history, words_of_prompt, 1, NULL, e);
        asked = code ? asked : &conversation->examples[0];
    }
    if (!code)
        code = dataset_prompt_tokens(&x.text, asked, &prompt, &n_prompt, e);
    for (int i = 0; i < n_words && !code; i++)
        code = one_answer(&x, prompt, n_prompt, i, words[i], settings_text(s, "ids"), e);
    free(prompt);
    corpus_free(conversation);
    session_close(&x);
    return code;
}
