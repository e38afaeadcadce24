// Lists to choose from, line by line: they are what the ":" prompt offers behind a command's name.
#include "config.h"

#include "ui/lines_offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ui/lines_talk.h"

enum { FEW = 9 }; // are said without being asked for

// With numbers where one of them can be the answer.
static void say_words(const struct words *w, bool with_numbers)
{
    for (int i = 0; i < w->n; i++) {
        const char *about = words_about(w, i);
        char number[16] = "";
        if (with_numbers)
            snprintf(number, sizeof number, "%d: ", i + 1);
        lines_say("%s%s%s%s", number, w->texts[i], *about ? ", " : "", about);
    }
}

bool lines_say_offers(struct ui *ui, const char *line)
{
    struct offers o;
    if (!text_ends(line, " ?"))
        return false;
    char *before = mem_strndup(line, strlen(line) - 1);
    offers_find(ui, before, 1, &o);
    const bool is_known = o.row && o.words.n > 0;
    if (is_known)
        say_words(&o.words, false);
    offers_fini(&o);
    free(before);
    return is_known;
}

// Of several words, or where more is to follow, a number would say too little.
static bool takes_a_number(const struct command_row *row)
{
    const char *beyond = strpbrk(row->arg, " ,.");
    return !beyond || strcmp(beyond, "...") == 0;
}

static char *choose(struct ui *ui, const struct command_row *row, const struct words *words, const char *question)
{
    const bool by_number = takes_a_number(row);
    bool said = words->n <= FEW;
    int64_t number;
    if (said)
        say_words(words, by_number);
    else
        lines_say("There are %d to choose from: \"?\" says them.", words->n);
    for (;;) {
        char *line = lines_ask(ui, question);
        if (line && strcmp(line, "?") == 0) {
            free(line);
            say_words(words, by_number);
            said = true;
            continue;
        }
        if (line && said && by_number && text_to_i64(line, &number) && number >= 1 && number <= words->n) {
            free(line);
            line = mem_strdup(words->texts[number - 1]);
        }
        return line;
    }
}

char *lines_choose(struct ui *ui, enum command_id id, const char *question)
{
    const struct command_row *row = offers_row(ui, id);
    struct offers o = {0};
    char *line;
    if (row) {
        struct str before = {0};
        str_addf(&before, "%s ", row->name);
        offers_find(ui, str_text(&before), 1, &o);
        str_fini(&before);
    }
    line = o.row && o.words.n ? choose(ui, row, &o.words, question) : lines_ask(ui, question);
    offers_fini(&o);
    return line;
}
