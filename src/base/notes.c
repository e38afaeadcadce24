#include "config.h"

#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAX_NOTE = 1000, MAX_NOTES = 100 };

static void add_text(struct notes *notes, const char *text)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->texts[i], text) == 0)
            return;
    if (notes->n == MAX_NOTES)
        return;
    MEM_GROW(notes->texts, notes->n, notes->cap);
    notes->texts[notes->n++] = mem_strdup(text);
}

void notes_add(struct notes *notes, const char *format, ...)
{
    char text[MAX_NOTE];
    va_list args;
    if (!notes)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_text(notes, text);
}

void notes_append(struct notes *notes, const struct notes *more)
{
    for (size_t i = 0; notes && i < more->n; i++)
        add_text(notes, more->texts[i]);
}

void notes_fini(struct notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free(notes->texts[i]);
    free(notes->texts);
    *notes = (struct notes){0};
}
