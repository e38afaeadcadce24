#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "train/online/reward_kinds.h"

void reward_part_fini(struct reward_part *p)
{
    free(p->name);
    free(p->kind);
    free(p->arg);
    *p = (struct reward_part){0};
}

// Up to one of the signs or the end; what it was is returned.
static char take(const char **at, const char *signs, struct str *out)
{
    while (**at && !strchr(signs, **at)) {
        *at += **at == '\\' && (*at)[1];
        str_addc(out, *(*at)++);
    }
    return **at ? *(*at)++ : '\0';
}

int reward_part_read(const char **at, struct reward_part *out, struct err *e)
{
    struct str word = {0};
    const char *begin = *at + strspn(*at, " \t\n,");
    *out = (struct reward_part){.weight = 1};
    *at = begin;
    if (!**at)
        return 0;
    char end = take(at, "=:@,", &word);
    if (end == '=') {
        out->name = mem_strdup(str_text(&word));
        str_clear(&word);
        end = take(at, ":@,", &word);
    }
    out->kind = mem_strdup(str_text(&word));
    str_clear(&word);
    if (end == ':')
        end = take(at, "@,", &word);
    else
        str_clear(&word);
    out->arg = mem_strdup(str_text(&word));
    str_clear(&word);
    int code = 1;
    if (end == '@') {
        take(at, ",", &word);
        if (!text_to_double(str_text(&word), &out->weight))
            code = err_set(e, ERR_USAGE, "rewards: \"%.60s\" behind @ is no number, in %.100s", str_text(&word), begin);
    }
    str_fini(&word);
    if (code < 0)
        reward_part_fini(out);
    return code;
}

char *rewards_model_of(const char *setting, const char *rewards, bool watched)
{
    struct reward_part p;
    char *found = *setting ? mem_strdup(setting) : NULL;
    for (const char *at = rewards; !found && reward_part_read(&at, &p, NULL) > 0; reward_part_fini(&p))
        if (strcmp(p.kind, "model") == 0 && (p.weight == 0) == watched && *p.arg)
            found = mem_strdup(p.arg);
    return found;
}
