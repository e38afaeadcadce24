// Small commands: doctor, export, tokenizer-train.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cpu/cpu.h"
#include "model/quantized.h"
#include "text/bpe_train.h"
#include "train/engine/answers.h"
#include "train/engine/engine_commands.h"
#include "train/engine/model_card.h"
#include "train/engine/session.h"
#include "train/run/open_model.h"

const struct param engine_doctor_params[] = {
    {.name = "json", .type = PARAM_BOOL, .fallback = "yes", .help = "The answer is always JSON."}, {0}};

int engine_doctor(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    json_t *answer = cpu_doctor();
    struct err fault = {0};
    const int code = backend_try("cuda", &fault);
    json_object_set_new(answer, "cuda", json_pack("{s:b, s:s}", "available", code == 0, "reason", fault.text));
    return engine_print(answer, e);
}

static const char *const dtypes[] = {"f32", "bf16", "f16", NULL};
const struct param engine_export_params[] = {
    {.name = "checkpoint", .type = PARAM_PATH, .help = "The checkpoint or model folder to export."},
    {.name = "out", .type = PARAM_PATH, .help = "The folder to write; it must not exist yet."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .help = "The tokenizer's folder, when it is not the model's."},
    {.name = "dtype", .type = PARAM_CHOICE, .fallback = "f32", .choices = dtypes, .help = "Number format of the weights."},
    {.name = "merge", .type = PARAM_BOOL, .fallback = "yes",
     .help = "Merge an adapter into its base model, so that the folder is a whole model."},
    {0}};

// Another tokenizer than the model's own: it must be one, of no more tokens than the model has.
static int take_tokenizer(struct model *m, const char *dir, struct err *e)
{
    struct tokenizer *t = NULL;
    int code = tokenizer_load(&t, dir, e);
    if (!code && tokenizer_vocab_size(t) > m->arch.vocab_size)
        code = err_set(e, ERR_USAGE, "the tokenizer in %s has %d tokens, but the model's vocabulary has %d: they do not "
                       "belong together", dir, tokenizer_vocab_size(t), m->arch.vocab_size);
    tokenizer_free(t);
    if (!code) {
        free(m->tokenizer_dir);
        m->tokenizer_dir = mem_strdup(dir);
    }
    return code;
}

// What is to be known of an adapter whose base was quantized.
static void note_base(const struct model *m, bool merge)
{
    struct notes notes = {0};
    const char *name = quantized_name(m->base_type);
    if (!m->lora_weights || !dtype_is_quantized(m->base_type))
        return;
    if (merge)
        notes_add(&notes, "the adapter was trained on a base in %s: its linear layers are dequantized, and the merged model has these "
                  "numbers, on which the adapter was trained, not those of the base's file", name);
    else
        notes_add(&notes, "the adapter was trained on a base in %s; on the base's own weights it says nearly the same", name);
    engine_note(&notes);
    notes_fini(&notes);
}

int engine_export(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *out = settings_text(s, "out"), *from = settings_text(s, "checkpoint");
    const struct backend_ops *ops;
    struct backend *backend;
    struct model *m = NULL;
    enum save_dtype dtype = SAVE_F32;
    for (int i = 0; dtypes[i]; i++)
        if (strcmp(dtypes[i], settings_text(s, "dtype")) == 0)
            dtype = (enum save_dtype)i;
    if (file_exists(out))
        return err_set(e, ERR_USAGE, "%s exists already: choose another folder or remove it", out);
    int code = engine_open_backend(&ops, &backend, "cpu", "f32", 1, e);
    if (code)
        return code;
    code = model_load(&m, from, ops, backend, (model_folder_has_score(from) ? LOAD_SCORE : 0) | LOAD_FROZEN, e);
    if (!code)
        engine_note(&m->notes);
    if (!code && *settings_text(s, "tokenizer"))
        code = take_tokenizer(m, settings_text(s, "tokenizer"), e);
    if (!code)
        note_base(m, settings_bool(s, "merge"));
    if (!code)
        code = settings_bool(s, "merge") ? model_save_whole(m, out, dtype, e) : model_save(m, out, dtype, e);
    if (!code)
        code = model_card_write(from, out, e);
    model_free(m);
    ops->close(backend);
    return code ? code : engine_print(json_pack("{s:s, s:s}", "path", out, "dtype", settings_text(s, "dtype")), e);
}

const struct param engine_tokenizer_train_params[] = {
    {.name = "text", .type = PARAM_PATH, .help = "The text file to learn from."},
    {.name = "out", .type = PARAM_PATH, .help = "The folder for tokenizer.json and its companions."},
    {.name = "vocab-size", .type = PARAM_INT, .fallback = "4096", .min = 260, .max = 1000000, .unit = "tokens",
     .help = "How many tokens the vocabulary gets, special tokens and bytes included."},
    {.name = "specials", .type = PARAM_TEXT, .fallback = "<|endoftext|>",
     .help = "Special tokens, separated by commas: bos, eos, pad, others; a lone one is bos and eos."},
    {0}};

int engine_tokenizer_train(const struct settings *s, char **rest, int n_rest, struct err *e)
{
    const char *specials[33] = {0};
    char *text, *names = strdup(settings_text(s, "specials")), *save = NULL;
    size_t n_bytes;
    int n = 0;
    for (char *name = strtok_r(names, ",", &save); name && n < 32; name = strtok_r(NULL, ",", &save))
        specials[n++] = name;
    int code = file_read(settings_text(s, "text"), BPE_TRAIN_TEXT_MAX, &text, &n_bytes, e);
    if (!code) {
        code = bpe_train(text, n_bytes, (int)settings_int(s, "vocab-size"), specials, settings_text(s, "out"), e);
        free(text);
    }
    free(names);
    return code ? code : engine_print(json_pack("{s:s, s:I}", "path", settings_text(s, "out"), "vocab_size",
                                                (json_int_t)settings_int(s, "vocab-size")), e);
}
