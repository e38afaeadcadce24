// How answers are sampled and learnt from: parameters of every run whose objective has the policy answer.
#include "config.h"

#include "train/online/rollouts.h"

static const char *const starts[] = {"reward-model", "policy", NULL};

const struct param rollout_params[] = {
    {.name = "max-new-tokens", .type = PARAM_INT, .fallback = "64", .min = 1, .max = 65536, .unit = "tokens",
     .group = "rollouts",
     .help = "Longest answer that is sampled; one that has not ended by then is cut off."},
    {.name = "temperature", .type = PARAM_FLOAT, .fallback = "1", .min = 0.01, .max = 100, .group = "rollouts",
     .help = "Answers are drawn from the model's probabilities to the power of one over this; learning looks at the same."},
    {.name = "top-k", .type = PARAM_INT, .fallback = "0", .min = 0, .max = 1e9, .group = "rollouts",
     .help = "Draw from the k most likely tokens alone; 0: from all."},
    {.name = "top-p", .type = PARAM_FLOAT, .fallback = "1", .min = 0.01, .max = 1, .group = "rollouts",
     .help = "Draw from the fewest most likely tokens that hold this share of the probability; 1: from all."},
    {.name = "min-p", .type = PARAM_FLOAT, .fallback = "0", .min = 0, .max = 1, .group = "rollouts",
     .help = "Draw from tokens that are at least so likely as this share of the likeliest; 0: from all."},
    {.name = "stop", .type = PARAM_TEXT, .fallback = "", .group = "rollouts",
     .help = "Texts at which an answer ends, beside the model's own end, separated by commas: \\n\\n,User: (\\, is a "
             "comma)."},
    {.name = "minibatches", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 4096, .group = "rollouts",
     .help = "Cut the answers of a batch in so many parts, an update each; a divisor of batch-size."},
    {.name = "passes", .type = PARAM_INT, .fallback = "1", .min = 1, .max = 64, .group = "rollouts",
     .help = "Learn from each batch of answers so many times (PPO's epochs)."},
    {.name = "rollout-ahead", .type = PARAM_INT, .fallback = "0", .min = 0, .max = ROLLOUT_MOST_AHEAD, .unit = "batches",
     .group = "rollouts",
     .help = "Sample so many batches of answers ahead, in a thread of its own, while the model learns from earlier ones. "
             "They are of the model as it was, always just as old (rollout/staleness says how many updates), so a run can "
             "still be repeated bit for bit. 0: always of the model as it is."},
    {.name = "dynamic-sampling", .type = PARAM_BOOL, .fallback = "no", .group = "rollouts",
     .help = "Replace prompts whose answers all score the same by others, for they teach nothing (DAPO)."},
    {.name = "mask-truncated", .type = PARAM_BOOL, .fallback = "no", .group = "rollouts",
     .help = "Do not learn from answers that were cut off; they are compared with all the same."},
    {.name = "value-from", .type = PARAM_CHOICE, .fallback = "reward-model", .choices = starts, .group = "rollouts",
     .help = "What a value network starts from: the reward model where there is one, or the policy."},
    {0}};

bool rollout_is_cut(const struct settings *s)
{
    return settings_int(s, "top-k") > 0 || settings_float(s, "top-p") < 1 || settings_float(s, "min-p") > 0;
}

void rollout_options_read(struct rollout_options *o, const struct settings *s)
{
    o->sampling.max_new_tokens = (int)settings_int(s, "max-new-tokens");
    o->sampling.temperature = (float)settings_float(s, "temperature");
    o->sampling.top_k = (int)settings_int(s, "top-k");
    o->sampling.top_p = (float)settings_float(s, "top-p");
    o->sampling.min_p = (float)settings_float(s, "min-p");
    // Then a ratio must be of what was drawn from, not of the whole vocabulary as it is.
    o->sampling.keep_sets = rollout_is_cut(s) || o->sampling.temperature != 1;
    o->sampling.keep_entropy = true;
    o->ahead = (int)settings_int(s, "rollout-ahead");
    o->dynamic = settings_bool(s, "dynamic-sampling");
    o->ended_only = settings_bool(s, "mask-truncated");
    o->batch_size = (int)settings_int(s, "batch-size");
    o->samples = (int)settings_int(s, "samples");
    o->seed = (uint64_t)settings_int(s, "seed");
}
