// One row per parameter: the command line, the console's form, --help and the checks come from here.
#include "config.h"

#include "train/run/params.h"

#include <string.h>

#include "base/str.h"
#include "corpus/lists.h"
#include "train/online/rewards.h"
#include "train/online/rollouts.h"
#include "train/run/imitate.h"

static const char *const special_tokens[] = {"parse", "text", NULL};
static const char *const parts[] = {"all", "1/2", "2/2", NULL};
static const char *const precisions[] = {"f32", "tf32", "bf16", NULL};
static const char *const devices[] = {"auto",   "cpu",    "cuda",   "cuda:0", "cuda:1", "cuda:2",
                                      "cuda:3", "cuda:4", "cuda:5", "cuda:6", "cuda:7", NULL};
static const char *const schedules[] = {"cosine", "linear", "constant", NULL};
static const char *const base_precisions[] = {"file", "int8", "nf4", NULL};
static const char *const adapters[] = {"merge", "continue", NULL};
static const char *const dtypes[] = {"f32", "bf16", "f16", NULL};

const struct param run_params[] = {
    {.name = "model", .type = PARAM_PATH, .group = "model",
     .help = "A Hugging Face model folder, or a config .json for a new model with random weights."},
    {.name = "tokenizer", .type = PARAM_PATH, .fallback = "", .group = "model",
     .help = "The tokenizer's folder, when it is not the model's; needed for a new model."},
    {.name = "lora-rank", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1024, .group = "model",
     .help = "Train low-rank adapters of this rank instead of all weights; 0 trains all weights."},
    {.name = "lora-alpha", .type = PARAM_FLOAT, .fallback = "16", .min = 0.01, .max = 4096, .group = "model",
     .help = "Adapters are scaled by alpha / rank."},
    {.name = "lora-targets", .type = PARAM_TEXT, .fallback = "", .group = "model",
     .help = "Layers with adapters, such as q_proj,v_proj, or all-linear; empty: the usual ones of the model."},
    {.name = "base-precision", .type = PARAM_CHOICE, .fallback = "file", .choices = base_precisions, .group = "model",
     .help = "How the frozen weights under adapters are kept: as their file has them, or the linear layers in 8 bits (int8) or "
             "4 (nf4, as QLoRA): less memory, a little less exact."},
    {.name = "adapter", .type = PARAM_CHOICE, .fallback = "merge", .choices = adapters, .group = "model",
     .help = "What becomes of a model that is an adapter: it is merged and all weights are trained, or the adapter itself "
             "is trained on; the reference is the model with the adapter as it came."},

    {.name = "data", .type = PARAM_PATH, .group = "data",
     .help = "The file to learn from: .jsonl, .json, .csv, .tsv, .parquet or .txt, also .gz; or a folder of shards."},
    {.name = "eval-data", .type = PARAM_PATH, .fallback = "", .group = "data",
     .help = "A file for evaluation; empty: a held-out share of the data."},
    {.name = "eval-share", .type = PARAM_FLOAT, .fallback = "0.1", .min = 0, .max = 0.9, .group = "data",
     .help = "The share of the data that is kept for evaluation and never trained on; 0: none."},
    {.name = "eval-rows", .type = PARAM_INT, .fallback = "256", .min = 1, .max = 1000000, .unit = "rows", .group = "data",
     .help = "At most so many held-out rows are evaluated each time."},
    {.name = "part", .type = PARAM_CHOICE, .fallback = "all", .choices = parts, .group = "data",
     .help = "Train on one half of the prompts: two reward models of one seed, one on each half, show what one has "
             "made up."},
    {.name = "max-rows", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9, .unit = "rows", .group = "data",
     .help = "Read at most so many rows of the data; 0: all."},
    {.name = "map", .type = PARAM_TEXT, .fallback = "", .group = "data",
     .help = "Which member of a row is what, where the names do not say it: prompt=question,chosen=better,rejected=worse."},
    {.name = "label-from", .type = PARAM_TEXT, .fallback = "", .group = "data",
     .help = "Which of several labels counts, such as safer (instead of better) or correctness."},
    {.name = "allow-refused", .type = PARAM_BOOL, .fallback = "no", .group = "data",
     .help = "Train although more than a tenth of the rows, or all of one kind, cannot be used."},
    LIST_PAIRING_PARAMS("Turn, for objectives of pairs,"),
    {.name = "chat-template", .type = PARAM_TEXT, .fallback = "auto", .group = "data",
     .help = "How messages become text: a template's name, or auto for the tokenizer's own."},
    {.name = "system", .type = PARAM_TEXT, .fallback = "", .group = "data",
     .help = "A system message for conversations that have none."},
    {.name = "special-tokens", .type = PARAM_CHOICE, .fallback = "parse", .choices = special_tokens, .group = "data",
     .help = "What a special token such as <|im_end|> in plain texts is: that token, or text like any other."},
    {.name = "max-length", .type = PARAM_INT, .fallback = "1024", .min = 8, .max = 1048576, .unit = "tokens",
     .group = "data", .help = "Longest prompt and response together; longer responses lose their end."},
    {.name = "max-prompt-length", .type = PARAM_INT, .fallback = "512", .min = 1, .max = 1048576, .unit = "tokens",
     .group = "data", .help = "Longest prompt; longer ones lose their beginning."},

    {.name = "steps", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9, .unit = "steps", .group = "training",
     .help = "How many optimizer steps to make; 0: as many as the epochs need."},
    {.name = "epochs", .type = PARAM_FLOAT, .fallback = "1", .min = 0.001, .max = 10000, .group = "training",
     .help = "How many times to go through the data when no number of steps is given."},
    {.name = "batch-size", .type = PARAM_INT, .fallback = "16", .min = 1, .max = 65536, .unit = "prompts",
     .group = "training", .help = "Prompts (with all their responses) per optimizer step."},
    {.name = "max-batch-tokens", .type = PARAM_INT, .fallback = "4096", .min = 16, .max = 1048576, .unit = "tokens",
     .group = "training",
     .help = "At most so many tokens are computed at once: less needs less memory, and the result is the same."},
    {.name = "seed", .type = PARAM_INT, .fallback = "1", .min = 0, .max = 4294967295.0, .group = "training",
     .help = "Fixes the data order, new weights and sampling: the same seed gives the same run, bit for bit."},

    {.name = "lr", .type = PARAM_FLOAT, .fallback = "2e-5", .min = 1e-12, .max = 10, .live = true, .group = "optimizer",
     .help = "Highest learning rate of the schedule."},
    {.name = "schedule", .type = PARAM_CHOICE, .fallback = "cosine", .choices = schedules, .group = "optimizer",
     .help = "How the learning rate goes on after the warm-up: down to a tenth (cosine), to zero (linear), constant."},
    {.name = "warmup", .type = PARAM_FLOAT, .fallback = "0.05", .min = 0, .max = 1e9, .group = "optimizer",
     .help = "The learning rate rises from zero during this share of all steps (below 1) or so many steps."},
    {.name = "weight-decay", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 10, .live = true,
     .group = "optimizer", .help = "Decoupled weight decay of matrices (AdamW)."},
    {.name = "beta1", .type = PARAM_FLOAT, .fallback = "0.9", .min = 0, .max = 0.9999, .group = "optimizer",
     .help = "Decay of AdamW's running mean of the gradients."},
    {.name = "beta2", .type = PARAM_FLOAT, .fallback = "0.999", .min = 0, .max = 0.999999, .group = "optimizer",
     .help = "Decay of AdamW's running mean of the squared gradients."},
    {.name = "eps", .type = PARAM_FLOAT, .fallback = "1e-8", .min = 1e-16, .max = 0.1, .group = "optimizer",
     .help = "Keeps AdamW's division from zero."},
    {.name = "clip", .type = PARAM_FLOAT, .fallback = "1", .min = 0, .max = 1e6, .live = true, .group = "optimizer",
     .help = "Gradients are scaled down to this norm; 0: never."},

    {.name = "eval-every", .type = PARAM_INT, .fallback = "25", .min = 0, .max = 1e9, .unit = "steps",
     .group = "watching", .help = "Evaluate the held-out rows every so many steps; 0: only before and after."},
    {.name = "probe-every", .type = PARAM_INT, .fallback = "25", .min = 0, .max = 1e9, .unit = "steps",
     .group = "watching",
     .help = "Sample responses to held-out prompts every so many steps, for KL, length and samples; 0: never."},
    {.name = "probe-prompts", .type = PARAM_INT, .fallback = "16", .min = 1, .max = 4096, .unit = "prompts",
     .group = "watching", .help = "How many held-out prompts are answered by such a probe."},
    {.name = "probe-max-tokens", .type = PARAM_INT, .fallback = "64", .min = 1, .max = 65536, .unit = "tokens",
     .group = "watching", .help = "Longest response that is sampled by a probe."},
    {.name = "probe-styles", .type = PARAM_BOOL, .fallback = "no", .group = "watching",
     .help = "Log which share of the sampled responses has each of the demo's styles."},
    {.name = "patience", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e6, .unit = "evaluations",
     .group = "watching",
     .help = "End the run when the metric of keep-best has not become better in so many evaluations; 0: never."},
    {.name = "min-delta", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1e9, .group = "watching",
     .help = "What is better by no more than this counts as no better, for keep-best and patience."},

    {.name = "save-every", .type = PARAM_INT, .fallback = "100", .min = 0, .max = 1e9, .unit = "steps",
     .group = "saving", .help = "Write a checkpoint every so many steps; 0: only at the end or when asked."},
    {.name = "keep", .type = PARAM_INT, .fallback = "2", .min = 1, .max = 1000, .unit = "checkpoints", .group = "saving",
     .help = "How many of the newest checkpoints are kept."},
    {.name = "keep-best", .type = PARAM_TEXT, .fallback = "", .group = "saving",
     .help = "Also keep the checkpoint that is best by this held-out metric, as RUN@best: eval/loss, "
             "eval/rewards/accuracies, ...; min: or max: before other names says which way is better."},
    {.name = "dtype", .type = PARAM_CHOICE, .fallback = "f32", .choices = dtypes, .group = "saving",
     .help = "Number format of saved weights; what resuming needs is always kept in f32."},

    {.name = "device", .type = PARAM_CHOICE, .fallback = "auto", .choices = devices, .group = "machine",
     .help = "Where to compute: cpu, cuda for one of several GPUs that is free, or cuda:1 for that of a number, counted from 0; auto "
             "takes a GPU where one works."},
    {.name = "precision", .type = PARAM_CHOICE, .fallback = "f32", .choices = precisions, .group = "machine",
     .help = "Number format of the large matrix products. bf16 is faster on CPUs with AMX and on GPUs; tf32, on GPUs alone, "
             "keeps f32 everywhere else and rounds their factors to 10 bits behind the point."},
    {.name = "threads", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1024, .group = "machine",
     .help = "Compute threads; 0: one per core. The result does not depend on it. With rollout-ahead half of them sample."},
    {.name = "recompute", .type = PARAM_BOOL, .fallback = "no", .group = "machine",
     .help = "Compute activations twice instead of keeping them: less memory, a third more work, the same result."},
    {0}};

int run_check_base_precision(const struct objective *o, const struct settings *s, struct err *e)
{
    const char *base = settings_text(s, "base-precision");
    if (strcmp(base, "file") == 0)
        return 0;
    if (o->of_runs)
        return err_set(e, ERR_USAGE, "objective %s puts whole weights together, which base-precision %s would leave inexact: leave "
                       "base-precision out", o->name, base);
    if (settings_int(s, "lora-rank") == 0 && !run_continues_adapter(s))
        return err_set(e, ERR_USAGE, "base-precision %s quantizes weights that stay as they are, but with lora-rank 0 all weights are "
                       "trained: train an adapter (--lora-rank 16), or leave base-precision out", base);
    if (text_ends(settings_text(s, "model"), ".json"))
        return err_set(e, ERR_USAGE, "base-precision %s quantizes weights that were trained, but %s makes new ones: give --model a "
                       "folder, or leave base-precision out", base, settings_text(s, "model"));
    return 0;
}

bool run_continues_adapter(const struct settings *s)
{
    return strcmp(settings_text(s, "adapter"), "continue") == 0;
}

void run_settings_init(struct settings *s, struct run_tables *tables, const struct objective *o)
{
    *tables = (struct run_tables){{run_params}};
    int n = 1;
    if (o) {
        tables->list[n++] = o->params;
        tables->list[n++] = objective_options(o);
    }
    if (o && o->online) {
        tables->list[n++] = rollout_params;
        tables->list[n++] = reward_params;
    }
    if (o && o->imitates)
        tables->list[n++] = imitate_params;
    BUG_IF(n >= (int)(sizeof tables->list / sizeof *tables->list)); // NULL ends it
    settings_init(s, tables->list);
}
