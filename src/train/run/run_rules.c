#include "config.h"

#include <string.h>
#include <time.h>

#include "train/run/run.h"

static bool any(const struct corpus *c, bool (*is)(const struct example *x))
{
    for (size_t i = 0; c && i < c->n_examples; i++)
        if (is(&c->examples[i]))
            return true;
    return false;
}

static bool is_chat(const struct example *x)
{
    return x->is_chat;
}

static bool has_turns(const struct example *x)
{
    return x->n_turns > 1;
}

static int make_rules(struct run *r, struct err *e)
{
    const struct settings *s = &r->settings;
    const char *own = tokenizer_chat_template(r->tokenizer);
    const struct text_rules_options o = {
        .chat_template = settings_text(s, "chat-template"), .system = settings_text(s, "system"),
        .special_tokens = strcmp(settings_text(s, "special-tokens"), "text") != 0,
        .fallback = r->corpus->transcripts ? "hh" : "plain", .max_length = (int)settings_int(s, "max-length"),
        .max_prompt_length = (int)settings_int(s, "max-prompt-length"),
        // Only templates that show the date need one; without it the same run is the same tomorrow.
        .now = own && strstr(own, "strftime_now") ? (int64_t)time(NULL) : 0};
    int code = text_rules_open(&r->rules, r->tokenizer, &o, e);
    if (!code && r->rules.max_length > r->model->arch.max_positions)
        r->rules.max_length = r->model->arch.max_positions;
    return code ? code : text_rules_write(&r->rules, r->dir, e);
}

int run_open_rules(struct run *r, struct err *e)
{
    struct err fault = {0};
    const bool found = text_rules_read(&r->rules, r->tokenizer, r->dir, &fault);
    if (fault.code) {
        if (e)
            *e = fault;
        return fault.code;
    }
    int code = found ? 0 : make_rules(r, e);
    if (code)
        return code;
    r->text.rules = &r->rules;
    const bool chat = r->rules.strings_as_messages || any(r->corpus, is_chat) || any(r->eval_corpus, is_chat) ||
                      any(r->texts_corpus, is_chat);
    if (!chat)
        return 0;
    if (!r->rules.chat)
        return err_set(e, ERR_INPUT, "the data are conversations, which need a chat template: %s; choose one with "
                       "chat-template NAME", r->rules.no_chat);
    recorder_event(r->recorder, 0, "info", "data", 0, "messages are written with the chat template %s",
                   chat_template_name(r->rules.chat));
    if (strcmp(chat_template_name(r->rules.chat), "plain") == 0 &&
        (any(r->corpus, has_turns) || any(r->eval_corpus, has_turns)))
        recorder_event(r->recorder, 0, "warn", "data", 0,
                       "the model has no chat template, and plain writes the turns of a dialogue as bare lines that say "
                       "not who speaks: choose another with chat-template, such as hh or chatml");
    return 0;
}

int run_check_vocabulary(const struct run *r, const struct dataset *d, struct err *e)
{
    for (size_t i = 0; i < d->n_tokens; i++)
        if (d->tokens[i] >= r->model->arch.vocab_size)
            return err_set(e, ERR_INPUT, "the tokenizer makes token %d, but the model's vocabulary has %d: they do not "
                                         "belong together", d->tokens[i], r->model->arch.vocab_size);
    return 0;
}
