// The one file that knows ncurses. It keeps what is shown, hands only changed cells on, and maps our palette to what the
// terminal has: 256, 16, 8 colours or none. Keys are read and decoded by the loop (ui/term/keys.h), not here.
#include "config.h"

#include "ui/term/screen.h"

#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/str.h"
#include "ui/term/clipboard.h"
#include "ui/term/frame.h"
#include "ui/term/kitty.h"

#undef columns // term.h makes macros of these
#undef max_colors

enum { LINES_MOST = 1000 }; // as canvases have

static struct {
    SCREEN *terminal;
    struct canvas shown; // what the terminal shows, when is_known
    bool is_known;
    bool utf8;
    enum glyphs glyphs;
    int colors; // 256, 16, 8, 0
    int max_colors;
    bool is_direct;   // its colours are numbers 0xRRGGBB beyond the first 8
    bool contrast;
    bool asks, has_mouse, mouse; // it is one that answers and has a mouse; the mouse is on
    bool background_is_given;    // by a person: the terminal's word does not count
    struct terminal says;
    enum background background;
    short pair_of[COLOR_N][COLOR_N]; // by palette entries; 0: not made yet (or the default pair)
    short n_pairs;
    struct termios before;
    bool has_before;
    char rescue[256]; // leave the alternate screen, show the cursor, plain characters, keypad off
    size_t rescue_bytes;
    bool asked_pictures, has_pictures;
    unsigned n_paints;
    bool redraws;
    bool wrote[LINES_MOST]; // by the last screen_show
    const char *taken_for; // the description that is used where that of TERM is missing
} screen;

static int terminal_color(enum color color)
{
    const int index = palette_color(screen.background, screen.colors, screen.contrast, color);
    return index >= 16 && screen.is_direct ? (int)palette_rgb(index) : index;
}

// A background that the terminal does not have is shown in reverse.
static void map_style(struct style s, attr_t *attributes, short *pair)
{
    *attributes = A_NORMAL;
    *pair = 0;
    if (s.attr & ATTR_BOLD)
        *attributes |= A_BOLD;
    if (s.attr & ATTR_UNDERLINE)
        *attributes |= A_UNDERLINE;
    if (s.attr & ATTR_REVERSE)
        *attributes |= A_REVERSE;
    if (screen.colors == 0) {
        if (s.fg == COLOR_TITLE || s.fg == COLOR_ACCENT || s.fg == COLOR_BAD)
            *attributes |= A_BOLD;
        if (s.fg == COLOR_WARN || s.fg == COLOR_BAD)
            *attributes |= A_UNDERLINE;
    } else if (screen.colors < 256 && s.fg == COLOR_TITLE) {
        *attributes |= A_BOLD;
    }
    int fg = terminal_color(s.fg), bg = terminal_color(s.bg);
    if (s.bg != COLOR_DEFAULT && bg < 0) {
        *attributes |= A_REVERSE;
        fg = -1;
        s.fg = COLOR_DEFAULT;
    }
    if (screen.colors == 0 || (fg < 0 && bg < 0))
        return;
    short *known = &screen.pair_of[s.fg][s.bg];
    if (!*known && screen.n_pairs + 1 < COLOR_PAIRS && screen.n_pairs < 250 &&
        init_extended_pair(screen.n_pairs + 1, fg, bg) == OK)
        *known = ++screen.n_pairs;
    *pair = *known;
}

// COLORFGBG is "foreground;background", set by rxvt, konsole and others; 0-6 and 8 are dark.
static enum background find_background(void)
{
    const char *word = getenv("ATTUNE_BACKGROUND");
    if (word && strcmp(word, "dark") == 0)
        return BACKGROUND_DARK;
    if (word && strcmp(word, "light") == 0)
        return BACKGROUND_LIGHT;
    const char *both = getenv("COLORFGBG");
    const char *last = both ? strrchr(both, ';') : NULL;
    int64_t index;
    if (!last || !text_to_i64(last + 1, &index))
        return BACKGROUND_UNKNOWN;
    return index == 8 || (index >= 0 && index <= 6) ? BACKGROUND_DARK : BACKGROUND_LIGHT;
}

static void find_colors(void)
{
    const char *no_color = getenv("NO_COLOR");
    screen.background = find_background();
    screen.background_is_given = getenv("ATTUNE_BACKGROUND") != NULL;
    screen.max_colors = 0;
    if (has_colors() && start_color() == OK && use_default_colors() == OK)
        screen.max_colors = COLORS >= 256 ? 256 : COLORS >= 16 ? 16 : COLORS >= 8 ? 8 : 0;
    screen.is_direct = COLORS > 256;
    screen.colors = no_color && *no_color ? 0 : screen.max_colors;
}

static void find_glyphs(void)
{
    const char *codeset = nl_langinfo(CODESET), *term = getenv("TERM");
    screen.utf8 = strcmp(codeset, "UTF-8") == 0;
    bool has_braille = screen.utf8 && wcwidth(0x2801) == 1 && term && strcmp(term, "linux") != 0;
    screen.glyphs = has_braille ? GLYPHS_BRAILLE : screen.utf8 && wcwidth(0x2588) == 1 ? GLYPHS_BLOCK : GLYPHS_ASCII;
}

static void add_rescue_bytes(const char *bytes)
{
    for (; *bytes && screen.rescue_bytes < sizeof screen.rescue; bytes++)
        screen.rescue[screen.rescue_bytes++] = *bytes;
}

static void add_rescue(const char *capability)
{
    const char *bytes = tigetstr(capability);
    if (!bytes || bytes == (const char *)-1)
        return;
    for (; *bytes && screen.rescue_bytes < sizeof screen.rescue; bytes++) {
        if (bytes[0] == '$' && bytes[1] == '<') { // padding for terminals of another age
            const char *end = strchr(bytes, '>');
            if (!end)
                return;
            bytes = end;
            continue;
        }
        screen.rescue[screen.rescue_bytes++] = *bytes;
    }
}

static void send(const char *bytes)
{
    fputs(bytes, stdout);
    fflush(stdout);
}

// The terminal is to mark what is pasted; one that cannot leaves the request out.
static void mark_pastes(bool yes)
{
    send(yes ? "\033[?2004h" : "\033[?2004l");
}

#define MOUSE_ON "\033[?1002h\033[?1006h" // presses, releases, and moves with a button held
#define MOUSE_OFF "\033[?1006l\033[?1002l"

// Opens the terminal by its name; one that is not described on this machine is taken for what most are today, or for
// what every one is. NULL when not even these are known. *used: the name that was.
static SCREEN *open_described(const char *term, const char **used)
{
    const char *const names[] = {term, "xterm-256color", "xterm", "screen", "vt100"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int found;
        if (setupterm(names[i], STDOUT_FILENO, &found) != OK) // newterm does not give back what it took before it failed
            continue;
        del_curterm(cur_term);
        *used = names[i];
        return newterm(names[i], stdout, stdin);
    }
    return NULL;
}

static void take_terminal(void)
{
    raw();
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, FALSE);
    typeahead(-1);
    set_escdelay(25);
    leaveok(stdscr, FALSE);
    curs_set(0);
    mark_pastes(true);
    if (screen.mouse)
        send(MOUSE_ON);
}

int screen_open(struct err *e)
{
    const char *term = getenv("TERM");
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return err_set(e, ERR_UNSUPPORTED, "the console needs a terminal, and %s is none: use the commands instead (attune "
                       "runs, attune train; see attune --help), or a script: attune -e 'open a; snapshot -'",
                       isatty(STDIN_FILENO) ? "standard output" : "standard input");
    if (!term || !*term || strcmp(term, "dumb") == 0)
        return err_set(e, ERR_UNSUPPORTED, "TERM is %s, which cannot show a full screen: set TERM to what the terminal is "
                       "(often xterm-256color), or use the commands instead (attune runs; see attune --help)",
                       term && *term ? term : "not set");
    screen.has_before = tcgetattr(STDIN_FILENO, &screen.before) == 0;
    setenv("NCURSES_NO_UTF8_ACS", "1", 1);
    const char *used;
    screen.terminal = open_described(term, &used);
    if (!screen.terminal)
        return err_set(e, ERR_UNSUPPORTED, "there is no description of the terminal %s on this machine, nor of "
                       "xterm-256color or vt100: install the package ncurses-base", term);
    screen.taken_for = strcmp(used, term) == 0 ? NULL : used;
    set_term(screen.terminal);
    if (!tigetstr("cup") || tigetstr("cup") == (char *)-1) {
        endwin();
        return err_set(e, ERR_UNSUPPORTED, "the terminal %s cannot place its cursor, which a full screen needs: use the "
                       "commands instead (attune runs; see attune --help)", term);
    }
    screen.asks = screen.has_mouse = terminal_is_known(used);
    frame_open();
    take_terminal();
    find_colors();
    find_glyphs();
    add_rescue("sgr0");
    add_rescue("cnorm");
    add_rescue("rmcup");
    add_rescue_bytes("\033[?2004l");
    if (screen.has_mouse)
        add_rescue_bytes(MOUSE_OFF);
    canvas_init(&screen.shown, 1, 1, screen.glyphs, screen.utf8);
    fatal_hook_set(screen_rescue);
    return 0;
}

// An answer that comes when nobody listens any more would be taken for what a person typed at the shell.
static void drop_answers(void)
{
    enum { PATIENCE_MS = 100 };
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    char bytes[512];
    while (screen.says.n_open > 0 && poll(&p, 1, PATIENCE_MS) > 0 && p.revents & POLLIN) {
        const ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
        if (n <= 0 || memchr(bytes, 'c', (size_t)n))
            break;
    }
}

static void let_go(void)
{
    screen_hold_pictures(false);
    if (screen.mouse)
        send(MOUSE_OFF);
    mark_pastes(false);
}

void screen_close(void)
{
    if (!screen.terminal)
        return;
    fatal_hook_set(NULL);
    let_go();
    drop_answers();
    endwin();
    delscreen(screen.terminal);
    screen.terminal = NULL;
    canvas_fini(&screen.shown);
}

void screen_rescue(void)
{
    if (!screen.terminal)
        return;
    ssize_t written = write(frame_terminal(), screen.rescue, screen.rescue_bytes);
    (void)written;
    if (screen.has_before)
        tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

void screen_suspend(void)
{
    let_go();
    endwin();
}

void screen_return(void)
{
    take_terminal();
    screen_resized();
}

void screen_size(int *width, int *height)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        size.ws_col = (unsigned short)(COLS > 0 ? COLS : 80);
        size.ws_row = (unsigned short)(LINES > 0 ? LINES : 24);
    }
    *width = size.ws_col;
    *height = size.ws_row;
}

void screen_resized(void)
{
    int width, height;
    screen_size(&width, &height);
    resize_term(height, width);
    screen_repaint();
}

void screen_repaint(void)
{
    screen.is_known = false;
}

enum glyphs screen_glyphs(void)
{
    return screen.glyphs;
}

const char *screen_taken_for(void)
{
    return screen.taken_for;
}

bool screen_utf8(void)
{
    return screen.utf8;
}

void screen_ask(void)
{
    if (!screen.asks)
        return;
    screen.says.n_open++;
    send(terminal_questions());
}

void screen_ping(void)
{
    screen.says.n_open++;
    send(TERMINAL_PING);
}

// The colours change: all is painted anew with other pairs.
static void recolor(void)
{
    memset(screen.pair_of, 0, sizeof screen.pair_of);
    screen.n_pairs = 0;
    screen_repaint();
}

enum terminal_said screen_take_reply(const char *bytes, size_t n)
{
    const enum terminal_said said = terminal_reply(&screen.says, bytes, n);
    if (said == SAID_PONG && !screen.asked_pictures) {
        screen.asked_pictures = true;
        screen.says.n_open += *terminal_picture_questions(&screen.says) != '\0';
        send(terminal_picture_questions(&screen.says));
    }
    if (said != SAID_BACKGROUND)
        return said;
    if (screen.background_is_given || screen.background == screen.says.background)
        return SAID_NOTHING;
    screen.background = screen.says.background;
    recolor();
    return said;
}

void screen_pictures(struct screen_pictures *out)
{
    struct winsize size = {0};
    *out = (struct screen_pictures){.kitty = screen.says.kitty, .sixel = screen.says.sixel,
                                    .within = clipboard_multiplexer() != MULTIPLEXER_NONE,
                                    .light = screen.background == BACKGROUND_LIGHT,
                                    .cell_width = screen.says.cell_width, .cell_height = screen.says.cell_height};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row && size.ws_xpixel / size.ws_col >= 2 &&
        size.ws_ypixel / size.ws_row >= 4) {
        out->cell_width = size.ws_xpixel / size.ws_col;
        out->cell_height = size.ws_ypixel / size.ws_row;
    }
}

unsigned screen_paints(void)
{
    return screen.n_paints;
}

bool screen_wrote(int y, int n)
{
    for (int i = y; i < y + n && i < LINES_MOST; i++)
        if (screen.wrote[i])
            return true;
    return false;
}

void screen_redraw(int y, int n)
{
    if (!screen.redraws)
        memset(screen.wrote, 0, sizeof screen.wrote);
    for (int i = y; i < y + n && i < LINES_MOST; i++)
        screen.wrote[i] = true;
    screen.redraws = true;
    wredrawln(stdscr, y, n);
}

void screen_hold_pictures(bool has)
{
    if (screen.has_pictures && !has)
        send(KITTY_DELETE_ALL);
    screen.has_pictures = has;
}

bool screen_set_mouse(bool on)
{
    if (!screen.has_mouse)
        return false;
    if (on != screen.mouse)
        send(on ? MOUSE_ON : MOUSE_OFF);
    screen.mouse = on;
    return true;
}

void screen_send(const char *bytes, size_t n)
{
    fwrite(bytes, 1, n, stdout);
    fflush(stdout);
}

bool screen_set_colors(const char *word)
{
    int colors = strcmp(word, "256") == 0 ? 256 : strcmp(word, "16") == 0 ? 16 : strcmp(word, "8") == 0 ? 8 : 0;
    const bool dark = strcmp(word, "dark") == 0, light = strcmp(word, "light") == 0, automatic = strcmp(word, "auto") == 0;
    if (dark || light || automatic) {
        screen.background = dark ? BACKGROUND_DARK : light ? BACKGROUND_LIGHT : find_background();
        screen.background_is_given = !automatic;
        screen.contrast = false;
        if (automatic)
            screen_ask();
    } else if (strcmp(word, "contrast") == 0)
        screen.contrast = true;
    else if (colors || strcmp(word, "mono") == 0)
        screen.colors = colors < screen.max_colors ? colors : screen.max_colors;
    else
        return false;
    recolor();
    return true;
}

// A character that the C library would give another width than we do would shift the line: it is drawn as '?'.
static int cell_text(const struct cell *cell, wchar_t out[4])
{
    int n = 0;
    if (cell->code[0] > 0x7e && wcwidth((wchar_t)cell->code[0]) != cell->columns) {
        out[n++] = L'?';
    } else {
        for (int k = 0; k < 3 && cell->code[k]; k++)
            if (k == 0 || wcwidth((wchar_t)cell->code[k]) == 0)
                out[n++] = (wchar_t)cell->code[k];
    }
    out[n] = L'\0';
    return n;
}

// Draws cells [from, to) of a line; returns about how many bytes that is.
static size_t draw_cells(const struct canvas *c, int y, int from, int to)
{
    size_t bytes = 8; // moving there
    struct style last = STYLE(COLOR_N);
    for (int x = from; x < to; x++) {
        const struct cell *cell = canvas_cell(c, x, y);
        if (cell->columns == 0)
            continue;
        attr_t attributes;
        short pair;
        wchar_t text[4];
        cchar_t complex;
        map_style(cell->style, &attributes, &pair);
        int n = cell_text(cell, text);
        setcchar(&complex, text, attributes, pair, NULL);
        mvadd_wchnstr(y, x, &complex, 1);
        if (cell->columns == 2 && text[0] == L'?') {
            setcchar(&complex, L" ", attributes, pair, NULL);
            mvadd_wchnstr(y, x + 1, &complex, 1);
        }
        bytes += text[0] < 0x80 ? 1 : (size_t)n * 3;
        if (memcmp(&cell->style, &last, sizeof last) != 0)
            bytes += 10;
        last = cell->style;
    }
    return bytes;
}

static size_t draw_line(const struct canvas *c, int y)
{
    size_t bytes = 0;
    for (int x = 0; x < c->width;) {
        if (cell_equal(canvas_cell(c, x, y), canvas_cell(&screen.shown, x, y))) {
            x++;
            continue;
        }
        int from = x, to = x + 1;
        while (to < c->width && !cell_equal(canvas_cell(c, to, y), canvas_cell(&screen.shown, to, y)))
            to++;
        if (from > 0 && canvas_cell(c, from, y)->columns == 0)
            from--;
        bytes += draw_cells(c, y, from, to);
        x = to;
    }
    return bytes;
}

size_t screen_show(const struct canvas *c)
{
    enum { ONE_LINE = 400 }; // bytes that no terminal shows in two halves
    size_t bytes = 0;
    if (!screen.redraws)
        memset(screen.wrote, 0, sizeof screen.wrote);
    if (!screen.is_known || screen.shown.width != c->width || screen.shown.height != c->height) {
        canvas_resize(&screen.shown, c->width, c->height);
        erase();
        clearok(stdscr, TRUE);
        screen.is_known = true;
        screen.n_paints++;
        bytes = 16;
    }
    for (int y = 0; y < c->height; y++) {
        const size_t line = draw_line(c, y);
        screen.wrote[y] = line > 0 || screen.wrote[y];
        bytes += line;
    }
    bool moved = c->cursor_x != screen.shown.cursor_x || c->cursor_y != screen.shown.cursor_y;
    if (bytes == 0 && !moved && !screen.redraws)
        return 0;
    memcpy(screen.shown.cells, c->cells, (size_t)c->width * (size_t)c->height * sizeof *c->cells);
    screen.shown.cursor_x = c->cursor_x;
    screen.shown.cursor_y = c->cursor_y;
    bool has_cursor = c->cursor_x >= 0 && c->cursor_y >= 0 && c->cursor_x < c->width && c->cursor_y < c->height;
    frame_begin();
    curs_set(has_cursor);
    if (has_cursor)
        move(c->cursor_y, c->cursor_x);
    if (screen.says.synchronizes && bytes > ONE_LINE) // by the way that curses takes, so that it stays in order
        putp("\033[?2026h");
    refresh();
    screen.redraws = false;
    if (screen.says.synchronizes && bytes > ONE_LINE)
        send("\033[?2026l");
    frame_end();
    return bytes + 8;
}

bool screen_has_keys(void)
{
    struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

bool screen_is_ready(void)
{
    struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&p, 1, 0) > 0 && p.revents & POLLOUT;
}
