// What the console writes for other programs: w, W and :export. Names are asked here, files are written on a thread.
#pragma once

struct export_kind {
    const char *name, *ending, *help;
};
extern const struct export_kind export_kinds[]; // ends with a name that is NULL
