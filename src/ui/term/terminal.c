#include "config.h"

#include "ui/term/terminal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ui/term/kitty.h"

bool terminal_is_known(const char *term)
{
    static const char *const known[] = {"xterm", "screen",  "tmux",    "rxvt",    "alacritty", "kitty",
                                        "foot",  "wezterm", "ghostty", "konsole", "st-",       "vte",
                                        "gnome", "mintty",  "iterm",   "contour", "putty"};
    for (size_t i = 0; term && i < sizeof known / sizeof *known; i++)
        if (text_starts(term, known[i]))
            return true;
    return false;
}

const char *terminal_questions(void)
{
    return "\033]11;?\033\\" "\033[?2026$p" TERMINAL_PING;
}

const char *terminal_picture_questions(const struct terminal *t)
{
    return t->level >= 62 ? KITTY_QUESTION "\033[16t" TERMINAL_PING : "";
}

// "4;6;22": whether the number is among them.
static bool has_number(const char *list, int number)
{
    while (*list) {
        if (atoi(list) == number)
            return true;
        list += strcspn(list, ";");
        list += *list == ';';
    }
    return false;
}

enum terminal_said terminal_reply(struct terminal *t, const char *bytes, size_t n)
{
    char text[128];
    if (n >= sizeof text)
        return SAID_NOTHING;
    memcpy(text, bytes, n);
    text[n] = '\0';
    if (text_starts(text, "\033]11;")) {
        text[strcspn(text + 1, "\a\033") + 1] = '\0';
        const enum background said = palette_background(text + strlen("\033]11;"));
        if (said == BACKGROUND_UNKNOWN)
            return SAID_NOTHING;
        t->background = said;
        return SAID_BACKGROUND;
    }
    int mode, state, used = 0;
    if (sscanf(text, "\033[?%d;%d$y%n", &mode, &state, &used) == 2 && used == (int)n) {
        if (mode != 2026 || (state != 1 && state != 2))
            return SAID_NOTHING;
        t->synchronizes = true;
        return SAID_SYNCHRONIZES;
    }
    if (text_starts(text, KITTY_ANSWER)) {
        t->kitty = true;
        return SAID_PICTURES;
    }
    int height, width;
    if (sscanf(text, "\033[6;%4d;%4dt%n", &height, &width, &used) == 2 && used == (int)n) {
        if (height < 4 || width < 2 || height > 400 || width > 200)
            return SAID_NOTHING;
        t->cell_width = width;
        t->cell_height = height;
        return SAID_PICTURES;
    }
    if (text_starts(text, "\033[?") && n > 4 && text[n - 1] == 'c') {
        text[n - 1] = '\0';
        t->level = atoi(text + 3);
        t->sixel = has_number(text + 3, 4);
        if (t->n_open > 0)
            t->n_open--;
        return SAID_PONG;
    }
    return SAID_NOTHING;
}
