#include "config.h"

#include "ui/launch/form_memory.h"

#include <stdio.h>
#include <string.h>

#include "base/human.h"

// What was given, without what is wrong; data are no matter here.
static json_t *given(const struct form *f)
{
    json_t *all = json_object();
    for (int i = 0; i < f->n; i++)
        if (!f->fields[i].is_own && f->fields[i].n_values == 1 && f->fields[i].given && !f->fields[i].fault[0] &&
            strcmp(f->fields[i].param->name, "data") != 0 && strcmp(f->fields[i].param->name, "eval-data") != 0)
            json_object_set_new(all, f->fields[i].param->name, json_string(f->fields[i].text));
    return all;
}

bool form_memory_ask(struct form_memory *m, const struct form *f, json_t **settings)
{
    struct str command = {0};
    form_command_line(f, &command);
    if (m->asked.len == command.len && strcmp(str_text(&m->asked), str_text(&command)) == 0) {
        str_fini(&command);
        return false;
    }
    str_fini(&m->asked);
    m->asked = command;
    *settings = given(f);
    if (!json_object_get(*settings, "model")) {
        json_decref(*settings);
        *settings = NULL;
    }
    return true;
}

void form_memory_take(struct form_memory *m, const json_t *plan)
{
    const char *warning = json_string_value(json_array_get(json_object_get(plan, "warnings"), 0));
    m->bytes = json_number_value(json_object_get(plan, "bytes"));
    m->on_gpu = json_is_true(json_object_get(plan, "gpu"));
    m->available = json_number_value(json_object_get(plan, "available"));
    str_clear(&m->warning);
    str_add(&m->warning, warning ? warning : "");
}

void form_memory_draw(const struct form_memory *m, struct canvas *c, struct rect line)
{
    char needs[32], has[32], text[100];
    if (m->bytes <= 0 || m->available <= 0)
        return;
    snprintf(text, sizeof text, " %smemory: about %s of %s free ", m->on_gpu ? "GPU " : "",
             human_bytes(needs, sizeof needs, m->bytes), human_bytes(has, sizeof has, m->available));
    canvas_text_right(c, line.x, line.y, line.width - 1, STYLE(m->bytes > m->available ? COLOR_BAD : COLOR_MUTED), text);
}

void form_memory_fini(struct form_memory *m)
{
    str_fini(&m->asked);
    str_fini(&m->warning);
}
