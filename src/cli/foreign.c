#include "config.h"

#include "cli/foreign.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"

#define OF_A_STEP "It is the prompts of one optimizer step; --max-batch-tokens is how much is computed at once."

const struct foreign foreign_options[] = {
    {"learning-rate peak-lr", .ours = "lr"},
    {"per-device-train-batch-size train-batch-size micro-batch-size global-batch-size batch", .ours = "batch-size",
     .note = OF_A_STEP},
    {"gradient-accumulation-steps gradient-accumulation grad-accum grad-accumulation-steps", .ours = "batch-size",
     .note = OF_A_STEP},
    {"per-device-eval-batch-size eval-batch-size", .ours = "max-batch-tokens"},
    {"num-train-epochs num-epochs n-epochs", .ours = "epochs"},
    {"max-steps num-steps train-steps iters iterations", .ours = "steps"},
    {"lr-scheduler-type lr-scheduler scheduler lr-schedule", .ours = "schedule"},
    {"warmup-ratio warmup-steps num-warmup-steps", .ours = "warmup",
     .note = "Below 1 it is a share of all steps, else a number of steps."},
    {"wd", .ours = "weight-decay"},
    {"adam-beta1", .ours = "beta1"},
    {"adam-beta2", .ours = "beta2"},
    {"adam-epsilon adam-eps epsilon", .ours = "eps"},
    {"max-grad-norm gradient-clipping grad-clip clip-grad-norm gradient-clip-val", .ours = "clip"},
    {"gradient-checkpointing activation-checkpointing grad-checkpoint", .ours = "recompute"},
    {"model-name-or-path model-name base-model model-id pretrained-model-name-or-path", .ours = "model"},
    {"tokenizer-name tokenizer-name-or-path tokenizer-config", .ours = "tokenizer"},
    {"dataset dataset-name dataset-path datasets train-file train-data dataset-dir data-path", .ours = "data"},
    {"eval-dataset validation-file eval-file test-datasets val-data", .ours = "eval-data"},
    {"val-size val-set-size test-size validation-split eval-split", .ours = "eval-share"},
    {"max-samples max-train-samples limit", .ours = "max-rows"},
    {"max-seq-length max-seq-len cutoff-len sequence-len seq-length max-completion-length", .ours = "max-length"},
    {"template prompt-template", .ours = "chat-template"},
    {"system-prompt default-system", .ours = "system"},
    {"lora-r rank peft-lora-r r use-peft use-lora", .ours = "lora-rank"},
    {"alpha peft-lora-alpha", .ours = "lora-alpha"},
    {"lora-target-modules target-modules lora-target lora-modules", .ours = "lora-targets"},
    {"load-in-4bit load-in-8bit quantization quantization-bit qlora use-qlora bnb-4bit-quant-type", .ours = "base-precision",
     .note = "nf4 keeps the frozen weights under an adapter in 4 bits, as QLoRA, int8 in 8; it needs --lora-rank."},
    {"eval-steps eval-strategy evaluation-strategy steps-per-eval evals-per-epoch", .ours = "eval-every"},
    {"save-steps save-strategy saves-per-epoch steps-per-save", .ours = "save-every"},
    {"save-total-limit", .ours = "keep"},
    {"metric-for-best-model load-best-model-at-end load-best-model greater-is-better save-best save-best-only",
     .ours = "keep-best",
     .note = "It takes the metric's name, such as eval/loss, with min: or max: before it where that is not known."},
    {"early-stopping-patience early-stopping early-stop early-stopping-rounds", .ours = "patience",
     .note = "It counts evaluations, and needs --keep-best."},
    {"early-stopping-threshold early-stopping-min-delta", .ours = "min-delta"},
    {"bf16 mixed-precision", .ours = "precision",
     .note = "--precision bf16 computes the large matrix products in bf16."},
    {"num-threads n-threads num-proc dataset-num-proc dataloader-num-workers preprocessing-num-workers",
     .ours = "threads"},
    {"device-map use-cpu no-cuda gpu gpus", .ours = "device"},
    {"run-name experiment-name exp-name", .ours = "name"},
    {"description comment", .ours = "note"},
    {"loss-type pref-loss rl rlhf stage method algorithm trainer", .ours = "objective"},
    {"vllm-importance-sampling-correction rollout-importance-sampling tis", .ours = "is-correction"},
    {"vllm-importance-sampling-mode rollout-importance-sampling-mode", .ours = "is-correction",
     .note = "It is token or sequence; what becomes of larger weights is --is-mode."},
    {"vllm-importance-sampling-cap vllm-importance-sampling-max rollout-importance-sampling-threshold tis-imp-ratio-cap",
     .ours = "is-cap"},
    {"pref-beta dpo-beta rl-beta kl-beta simpo-beta", .ours = "beta"},
    {"simpo-gamma gamma", .ours = "gamma-beta-ratio"},
    {"output-dir output adapter-path save-dir work-dir out", .ours = "project",
     .note = "It is the folder of all runs; --name names one, and \"attune export\" writes its model."},
    {"max-new-tokens max-length n-predict", .ours = "max-tokens"},
    {"num-return-sequences num-samples n", .ours = "samples"},
    {"temp do-sample", .ours = "temperature", .note = "0 always takes the likeliest token."},
    {"input input-file prompts-file prompt-file", .ours = "prompts"},
    {"random-seed data-seed", .ours = "seed"},
    {"follow wait background", .ours = "detach", .note = "Without it the command follows the run to its end."},

    {"logging-steps log-every log-interval logging-strategy steps-per-report", .with = "lr",
     .note = "every step is recorded"},
    {"report-to wandb-project wandb tensorboard log-with", .with = "lr",
     .note = "the console, \"attune show\" and \"attune chart\" show the curves; nothing is sent anywhere"},
    {"optim optimizer", .with = "lr", .note = "the optimizer is AdamW: --beta1, --beta2, --eps, --weight-decay"},
    {"tf32", .ours = "precision", .note = "--precision tf32 reads the factors of f32 products with 10 bits, on GPUs."},
    {"fp16", .with = "lr", .note = "halves have too little range to train in; --precision bf16 is there"},
    {"deepspeed fsdp tensor-parallel num-gpus nproc-per-node", .with = "lr",
     .note = "a run is one process on one machine"},
    {"packing sample-packing group-by-length padding-free", .with = "lr",
     .note = "batches are made without padding: there is nothing to pack"},
    {"lora-dropout dropout", .with = "lr", .note = "nothing is dropped: the same data and seed give the same bits"},
    {"attn-implementation flash-attention flash-attn flash-attention-2", .with = "lr",
     .note = "there is one attention, which needs no choice"},
    {"remove-unused-columns", .with = "lr",
     .note = "members of rows that nobody reads never matter; \"attune data import FILE\" names them"},
    {"resume-from-checkpoint resume", .with = "lr",
     .note = "\"attune resume RUN\" continues a run from its newest checkpoint"},
    {"ref-model ref-model-name-or-path reference-model", .with = "lr",
     .note = "the reference is the model as it is before the first step"},
    {"push-to-hub hub-model-id", .with = "lr",
     .note = "nothing is uploaded; \"attune export RUN OUT\" writes a folder"},
    {"trust-remote-code", .with = "model", .note = "no code of a model folder is ever run"},
    {0},
};

static bool is_among(const char *names, const char *name)
{
    const size_t n = strlen(name);
    for (; *names; names += strcspn(names, " "), names += strspn(names, " "))
        if (strcspn(names, " ") == n && strncmp(names, name, n) == 0)
            return true;
    return false;
}

static int say(struct err *e, const char *name, const char *ours, const char *note)
{
    return err_set(e, ERR_USAGE, "there is no setting \"%s\"; did you mean --%s?%s%s", name, ours, note ? " " : "",
                   note ? note : "");
}

int foreign_explain(const struct settings *s, const char *name, struct err *e)
{
    char ours[64]; // in our spelling: small letters and dashes
    if (strlen(name) >= sizeof ours)
        return 0;
    text_copy(ours, sizeof ours, name);
    for (char *c = ours; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    if (settings_find(s, ours))
        return say(e, name, ours, NULL);
    for (const struct foreign *f = foreign_options; f->names; f++) {
        if (!is_among(f->names, ours))
            continue;
        if (f->ours && settings_find(s, f->ours))
            return say(e, name, f->ours, f->note);
        if (!f->ours && settings_find(s, f->with))
            return err_set(e, ERR_USAGE, "there is no setting \"%s\": %s", name, f->note);
    }
    return 0;
}

int foreign_set(struct settings *s, const char *name, const char *value, struct err *e)
{
    int code = settings_find(s, name) ? 0 : foreign_explain(s, name, e);
    return code ? code : settings_set(s, name, value, e);
}
