// A text as a Jinja template to recognize, and as the content of messages in every known template.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "text/chat_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = mem_strndup((const char *)data, n);
    const struct chat_template *t;
    struct err fault = {0};
    if (chat_template_recognize(&t, text, &fault))
        MUST(fault.text[0]);
    else
        MUST(chat_template_name(t));
    const struct message talk[] = {
        {"system", text}, {"user", text}, {"assistant", text}, {"user", "x"}, {"assistant", text}};
    for (const char *const *name = chat_template_names(); *name; name++) {
        MUST(chat_template_by_name(&t, *name, &fault) == 0);
        for (int first = 0; first < 2; first++) {
            struct str out = {0};
            if (chat_template_render(t, talk + first, 5 - first, first, "<s>", "</s>", &out, &fault))
                MUST(out.len == 0);
            str_fini(&out);
        }
    }
    free(text);
    return 0;
}
