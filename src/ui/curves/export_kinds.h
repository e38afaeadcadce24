// THE TABLE of what :export can write.
#pragma once

enum export_kind_id {
    KIND_PLOT,
    KIND_POINTS,
    KIND_METRICS,
    KIND_SAMPLES,
    KIND_EVENTS,
    KIND_EVALUATIONS,
    KIND_TENSORBOARD,
    KIND_REPORT,
    N_EXPORT_KINDS
};
struct export_kind {
    const char *name, *ending, *help; // ending: of the name that is offered
};
extern const struct export_kind export_kinds[]; // by enum export_kind_id; ends with a name that is NULL
