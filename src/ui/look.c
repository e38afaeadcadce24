// How the console looks: glyphs, colours, and whether the mouse is its own.
#include "config.h"

#include <string.h>

#include "ui/term/screen.h"
#include "ui/ui_internal.h"

void glyphs_command(struct ui *ui, const char *arg)
{
    enum glyphs g = GLYPHS_ASCII;
    if (!arg) {
        ui_ask(ui, CMD_GLYPHS, "glyphs (braille, block, ascii)", "");
        return;
    }
    if (strcmp(arg, "braille") == 0)
        g = GLYPHS_BRAILLE;
    else if (strcmp(arg, "block") == 0)
        g = GLYPHS_BLOCK;
    else if (strcmp(arg, "ascii") != 0) {
        ui_say_error(ui, "glyphs: braille, block or ascii, not %s", arg);
        return;
    }
    if (g != GLYPHS_ASCII && !ui->canvas.utf8)
        ui_say_error(ui, "glyphs: this terminal's locale is not UTF-8, so only ascii can be shown");
    else
        ui->canvas.glyphs = g;
}

void colors_command(struct ui *ui, const char *arg)
{
    if (!arg)
        ui_ask(ui, CMD_COLORS, "colours (auto, dark, light, contrast, 256, 16, 8, mono)", "");
    else if (ui->has_screen && !screen_set_colors(arg))
        ui_say_error(ui, "colors: auto, dark, light, contrast, 256, 16, 8 or mono, not %s", arg);
    else
        text_copy(ui->colors, sizeof ui->colors, arg);
}

void hints_command(struct ui *ui, const char *arg)
{
    const bool on = arg && strcmp(arg, "on") == 0, off = arg && strcmp(arg, "off") == 0;
    if (on || off)
        ui->no_hints = off;
    else if (arg)
        ui_say_error(ui, "hints: on or off, not %s", arg);
    else
        ui_ask(ui, CMD_HINTS, "hint line (on, off)", "");
}

void mouse_command(struct ui *ui, const char *arg)
{
    const bool on = arg && strcmp(arg, "on") == 0, off = arg && strcmp(arg, "off") == 0;
    if (!on && !off) {
        if (arg)
            ui_say_error(ui, "mouse: on or off, not %s", arg);
        else
            ui_ask(ui, CMD_MOUSE, "mouse (on, off)", "");
        return;
    }
    if (ui->has_screen && !screen_set_mouse(on))
        ui_say_error(ui, "mouse: this terminal is not known to have one");
    else
        ui->mouse = on;
}
