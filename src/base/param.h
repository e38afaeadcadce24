// Parameters as table rows: type, range, default, unit, help in one place. The parser of the command line,
// the console's form, --help, the man page and all range checks come from these rows.
//
// A `struct settings` holds values for a list of tables, as text that has been checked.
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum param_type { PARAM_BOOL, PARAM_INT, PARAM_FLOAT, PARAM_CHOICE, PARAM_TEXT, PARAM_PATH };

struct param {
    const char *name;           // "beta": --beta on the command line, "beta" in JSON
    enum param_type type;
    const char *fallback;       // the default as text; NULL: must be given; "": unset
    double min, max;            // inclusive, for INT and FLOAT; both 0: no range
    const char *unit;           // "tokens", "nats"; NULL: none
    const char *const *choices; // PARAM_CHOICE: NULL-terminated
    bool live;                  // may be changed while a run runs
    const char *group;          // heading in forms and help: "objective", "optimizer", "data", ...
    const char *help;           // one sentence, for the person
};
// A table ends with a row whose name is NULL.

struct settings {
    const struct param *const *tables; // NULL-terminated list of tables
    struct setting {
        const struct param *param;
        char *text;
        bool given; // by the person; else the default
    } *items;
    size_t n_items;
};

void settings_init(struct settings *s, const struct param *const *tables); // all defaults
void settings_fini(struct settings *s);
const struct param *settings_find(const struct settings *s, const char *name);
// ERR_USAGE with what is allowed when the name is unknown (with the nearest name) or the value wrong.
int settings_set(struct settings *s, const char *name, const char *value, struct err *e);
int settings_check_required(const struct settings *s, struct err *e);

// Getters BUG on a name that is in no table or of another type: names are ours, values were checked.
double settings_float(const struct settings *s, const char *name);
int64_t settings_int(const struct settings *s, const char *name);
bool settings_bool(const struct settings *s, const char *name);
const char *settings_text(const struct settings *s, const char *name); // "" when unset; also for choices and paths
bool settings_given(const struct settings *s, const char *name);

// Only what the person gave, or all (as typed JSON values); and back.
json_t *settings_to_json(const struct settings *s, bool all);
int settings_from_json(struct settings *s, const json_t *object, struct err *e);

// One value against its row; also used by forms while typing.
int param_check(const struct param *p, const char *value, struct err *e);
// "0.01 to 1, default 0.1 nats", for help texts.
const char *param_range_text(const struct param *p, char *out, size_t size);

// Table <-> JSON, for programs that do not link the table (attune reads attune-engine describe).
json_t *params_to_json(const struct param *table);
// A heap table that params_free releases.
int params_from_json(const json_t *array, struct param **out, struct err *e);
void params_free(struct param *table);
