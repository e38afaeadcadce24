// What a run will take of memory, line by line, known before anything is loaded: from the architecture, the headers of the
// weight files and the settings alone.
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/notes.h"
#include "base/param.h"
#include "model/arch.h"
#include "train/objective/objective.h"

enum { MEMORY_LINES = 24 };

struct memory_plan {
    struct memory_line {
        const char *what; // "gradients"
        double bytes;
        bool mapped; // of a file: the system may drop it and read it again, which is slow but no failure
        bool spare;  // taken for speed where it is a small part of what is free (model/packed_weights.h, model/tape.h), else
                     // done without
    } lines[MEMORY_LINES];
    int n;
    double bytes, mapped_bytes, spare_bytes; // sums, of what must be there, what is mapped and what is spare
    bool on_gpu;      // it is a GPU's memory
    double available; // bytes that are free there; 0: unknown
};

// What the plan is made of.
struct memory_facts {
    struct arch arch;
    double file_bytes; // of the model's weight files; 0: a new model
    bool is_bf16_file; // whose numbers may stay as they are
    bool adapter;      // the model is an adapter, which is merged before training or continued
    double adapter_params; // numbers in its matrices
    int adapter_rank;
    bool bf16;         // of the device: precision bf16
    enum dtype base_type; // what an adapter that is continued was trained on; DTYPE_F32: nothing special
    bool on_gpu;       // whose memory has no mapped files in it
    double available;  // bytes that the device still has; 0: unknown
};
// numbers in its matrices; targets as lora-targets
double memory_of_adapter(const struct arch *a, int rank, const char *targets);
void memory_plan_make(struct memory_plan *p, const struct memory_facts *f, const struct objective *o, struct needs needs,
                      const struct settings *s);
// ERR_LIMIT with the largest lines, and with what would need less, when there is not so much memory.
int memory_plan_check(const struct memory_plan *p, const struct settings *s, struct err *e);
// {"bytes", "mapped", "spare", "available", "gpu", "lines": [{"what", "bytes", "mapped", "spare"}, ...], "warnings": [...]};
// warnings: what else is to be known of the run that is planned.
json_t *memory_plan_json(const struct memory_plan *p, const struct notes *warnings);
