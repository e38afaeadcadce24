// Merging model folders: one base and the models that were fine-tuned from it, whole or as adapters of PEFT, in any
// float format, in one file or in shards. The result is a Hugging Face folder like the base's.
//
// Tensors are taken one at a time: the memory is 8 bytes for each number of the largest tensor and 8 more for each
// input, whatever the models' size (files are mapped).
#pragma once

#include "base/err.h"
#include "model/merge.h"
#include "model/model.h"

enum merge_dtype { MERGE_AS_BASE, MERGE_F32, MERGE_BF16, MERGE_F16 };
struct merge_job {
    const char *base, *out;       // out must not exist
    const char *const *inputs;    // options.n folders
    const char *tokenizer;        // whose files the result gets; NULL: the base's, or the first that there is
    struct merge_options options; // checked
    enum merge_dtype dtype;
};
struct merge_result {
    struct merge_report report;
    int n_tensors;
    int64_t n_params;
    size_t memory; // bytes that were needed at once for tensors
};
// Writes job->out, whole or not at all. ERR_USAGE when the models do not belong together: says where they differ.
int merge_folders(const struct merge_job *job, struct merge_result *r, struct err *e);
