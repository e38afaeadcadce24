// Curves as pictures of pixels in the terminal: which protocol, where, and what is sent. They stand over blank cells of the
// canvas, so text around them goes on as ever; what is shown of them is known here alone.
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "ui/term/kitty.h"
#include "ui/plot/painter.h"
#include "ui/plot/plot_pictures.h"
#include "ui/term/screen.h"
#include "ui/ui_internal.h"

enum { REST_S = 600 }; // without pictures after the link was slow: they may be what made it so

bool pictures_set(struct ui *ui, const char *word)
{
    static const char *const words[] = {"off", "auto", "kitty", "sixel"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return text_copy(ui->pictures, sizeof ui->pictures, word);
    return false;
}

// What is wanted and there. *why: the reason when there is none.
static enum picture_protocol protocol_of(const struct ui *ui, const struct screen_pictures *s, const char **why)
{
    const bool any = strcmp(ui->pictures, "auto") == 0;
    const bool kitty = s->kitty && (any || strcmp(ui->pictures, "kitty") == 0);
    const bool sixel = s->sixel && (any || strcmp(ui->pictures, "sixel") == 0);
    *why = "";
    if (!painter_has_png())
        *why = "this build of Attune has no cairo, which pictures are painted with";
    else if (!kitty && !sixel && s->within)
        *why = "tmux and screen show no pictures of kitty's protocol in their panes, and this one does not say that it "
               "shows sixels";
    else if (!kitty && !sixel)
        *why = any ? "this terminal does not say that it shows pictures" : "this terminal does not say that it shows these";
    else if (!s->cell_width)
        *why = "this terminal does not say how many pixels a cell has";
    return **why ? PICTURES_NONE : kitty ? PICTURES_KITTY : PICTURES_SIXEL;
}

static void say_state(struct ui *ui)
{
    struct screen_pictures s = {0};
    const char *why;
    screen_pictures(&s);
    const bool off = !ui->pictures[0] || strcmp(ui->pictures, "off") == 0;
    const enum picture_protocol protocol = protocol_of(ui, &s, &why);
    if (off)
        ui_say(ui,
               "pictures off: curves are drawn with cells. This terminal says that it shows %s; \":pictures auto\" "
               "uses them.",
               s.kitty && s.sixel ? "kitty's pictures and sixels"
               : s.kitty          ? "kitty's pictures"
               : s.sixel          ? "sixels"
                                  : "none");
    else if (protocol == PICTURES_NONE)
        ui_say(ui, "pictures %s: curves stay cells, for %s.", ui->pictures, why);
    else if (ui->slow || ui->link_period_s > 0 || ui->no_pictures_until_s > 0)
        ui_say(ui, "pictures %s: %s, but not over a slow link.", ui->pictures,
               protocol == PICTURES_KITTY ? "kitty's" : "sixels");
    else
        ui_say(ui, "pictures %s: %s, cells of %d x %d pixels.", ui->pictures,
               protocol == PICTURES_KITTY ? "kitty's" : "sixels", s.cell_width, s.cell_height);
}

void pictures_command(struct ui *ui, const char *arg)
{
    if (arg && !pictures_set(ui, arg))
        ui_say_error(ui, "pictures: off, auto, kitty or sixel, not %s", arg);
    else if (ui->has_screen)
        say_state(ui);
    else
        ui_say(ui, "pictures %s: a script has no terminal that shows them", ui->pictures[0] ? ui->pictures : "off");
}

struct plot_pictures *ui_pictures(struct ui *ui)
{
    return ui->draws_pictures ? ui->plots : NULL;
}

void pictures_begin(struct ui *ui, bool hold, double now_s)
{
    struct screen_pictures s;
    const char *why;
    if (!ui->plots && (!ui->pictures[0] || strcmp(ui->pictures, "off") == 0))
        return;
    if (!ui->plots)
        ui->plots = mem_alloc(1, sizeof *ui->plots);
    screen_pictures(&s);
    const enum picture_protocol protocol = protocol_of(ui, &s, &why);
    if (ui->link_period_s > 0 && ui->plots->all[0].shown)
        ui->no_pictures_until_s = now_s + REST_S;
    else if (now_s > ui->no_pictures_until_s)
        ui->no_pictures_until_s = 0;
    plot_pictures_begin(ui->plots);
    // The list above the prompt lies over the page.
    ui->draws_pictures = protocol != PICTURES_NONE && !ui->slow && ui->link_period_s <= 0 &&
                         ui->no_pictures_until_s <= 0 && ui->prompt.kind != PROMPT_COMMAND;
    if (ui->draws_pictures) {
        ui->plots->cell_width = s.cell_width;
        ui->plots->cell_height = s.cell_height;
        ui->plots->dark = !s.light;
        ui->plots->hold = hold;
        // Those of the other protocol are taken away first, in a frame without any.
        ui->plots->is_stale = protocol != ui->plots->protocol && ui->plots->all[0].shown;
        ui->draws_pictures = !ui->plots->is_stale;
        ui->plots->protocol = ui->draws_pictures ? protocol : ui->plots->protocol;
    }
}

static bool has_moved(const struct plot_picture *p)
{
    return memcmp(&p->field, &p->shown_field, sizeof p->field) != 0;
}

static bool is_left(const struct plot_pictures *p, int i)
{
    return p->all[i].shown && (i >= p->n || has_moved(&p->all[i]));
}

void pictures_end(struct ui *ui)
{
    struct plot_pictures *p = ui->plots;
    ui->draws_pictures = false;
    for (int i = 0; p && i < PLOT_PICTURES; i++)
        if (is_left(p, i) && p->protocol == PICTURES_SIXEL) // text takes the place of sixels
            screen_redraw(p->all[i].shown_field.y, p->all[i].shown_field.height);
}

static void add_picture(struct plot_picture *p, struct str *out)
{
    // The cursor is where curses left it afterwards.
    str_addf(out, "\0337\033[%d;%dH", p->field.y + 1, p->field.x + 1);
    str_addn(out, p->bytes.data, p->bytes.len);
    str_add(out, "\0338");
    p->shown = p->stamp;
    p->shown_field = p->field;
}

size_t pictures_show(struct ui *ui)
{
    struct plot_pictures *p = ui->plots;
    struct str out = {0};
    if (!p)
        return 0;
    const bool all_gone = ui->paints != screen_paints();
    ui->paints = screen_paints();
    for (int i = 0; i < PLOT_PICTURES; i++) {
        struct plot_picture *at = &p->all[i];
        if (i >= p->n) {
            if (at->shown && p->protocol == PICTURES_KITTY)
                kitty_delete(KITTY_FIRST + i, &out);
            at->shown = 0;
            continue;
        }
        // Text that is written beside sixels may go over them on its way.
        const bool hurt = p->protocol == PICTURES_SIXEL && screen_wrote(at->field.y, at->field.height);
        if (all_gone || hurt || at->shown != at->stamp || has_moved(at))
            add_picture(at, &out);
    }
    const size_t n = out.len;
    if (n > 0)
        screen_send(str_text(&out), n);
    screen_hold_pictures(p->protocol == PICTURES_KITTY && p->n > 0);
    str_fini(&out);
    return n;
}

bool pictures_wait(const struct ui *ui)
{
    return ui->plots && ui->plots->is_stale;
}
