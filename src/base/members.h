// What the members of a JSON object from outside are to us: a table per kind of file says of each whether it is used,
// changes nothing here, or changes results in a way that Attune does not have. The last kind is refused unless its value
// is one of those that change nothing; a member that no table knows is named in a note.
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "base/notes.h"

enum member_use {
    MEMBER_USED,     // somebody reads and checks it
    MEMBER_HARMLESS, // it says nothing about what is computed here
    MEMBER_NEUTRAL,  // only with one of its neutral values
};

struct member_row {
    const char *name;
    enum member_use use;
    // Of MEMBER_NEUTRAL, separated by spaces: "false 0 1 {} [] none"; null always is one. Numbers by value, words are texts.
    const char *neutral;
};

// tables: NULL-terminated, each ends with a row without a name; the first table that has a member decides. `where` names
// the object in errors and notes ("DIR/config.json"). ERR_UNSUPPORTED names the member and its value.
int members_check(const json_t *object, const struct member_row *const *tables, const char *where, struct notes *notes,
                  struct err *e);
