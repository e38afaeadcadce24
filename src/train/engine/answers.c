// What the engine's commands answer, and where numbers leave it.
#include "config.h"

#include "train/engine/answers.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"

double engine_started;

static struct notes said;

void engine_note(const struct notes *notes)
{
    notes_append(&said, notes);
}

void engine_take_notes(struct notes *out)
{
    notes_append(out, &said);
    notes_fini(&said);
}

// The guard where numbers leave the engine: none that is not finite.
static int check_numbers(const json_t *value, struct err *e)
{
    const char *number = "NaN";
    struct str place = {0}, line = {0};
    int code = 0;
    if (json_is_integer(json_object_get(value, "line")))
        str_addf(&line, " for line %lld of the data", (long long)json_integer_value(json_object_get(value, "line")));
    if (json_find_unreadable(value, &place, &number))
        code = err_set(e, ERR_NUMERIC, "the model's answer%s is no number: %s is %s. Its weights are too large or damaged, "
                       "or they come from a training that diverged", str_text(&line), str_text(&place), number);
    str_fini(&place);
    str_fini(&line);
    return code;
}

static json_int_t answering = -1;

json_int_t engine_answer_for(json_int_t id)
{
    const json_int_t before = answering;
    answering = id;
    return before;
}

int engine_print(json_t *value, struct err *e)
{
    int code = check_numbers(value, e);
    if (answering >= 0 && value)
        value = json_pack("{s:I, s:o}", "id", answering, "row", value);
    char *text = value && !code ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (code)
        return code;
    if (!text)
        return err_set(e, ERR_FAIL, "the answer cannot be written as JSON");
    int written = printf("%s\n", text);
    free(text);
    if (written < 0 || fflush(stdout) != 0)
        return err_errno(e, "cannot write the answer");
    return 0;
}
