#include "config.h"

#include "ui/curves/export_kinds.h"

#include <stddef.h>

const struct export_kind export_kinds[N_EXPORT_KINDS + 1] = {
    [KIND_PLOT] = {"plot", ".svg", "The charts of page Curves as a picture: .svg, .png or .txt."},
    [KIND_POINTS] = {"points", ".csv", "Their points, a row for each step: .csv or .jsonl."},
    [KIND_METRICS] = {"metrics", ".csv", "All metrics: .csv or .jsonl."},
    [KIND_SAMPLES] = {"samples", ".jsonl", "What the model wrote: .csv or .jsonl."},
    [KIND_EVENTS] = {"events", ".csv", "What happened: .csv or .jsonl."},
    [KIND_EVALUATIONS] = {"evaluations", ".csv", "What was measured of checkpoints: .csv or .jsonl."},
    [KIND_TENSORBOARD] = {"tensorboard", "", "A folder of event files that TensorBoard opens."},
    [KIND_REPORT] = {"report", ".html", "A report with settings, curves, evaluations and samples: .html."},
    {0},
};
