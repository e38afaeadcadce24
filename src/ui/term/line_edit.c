#include "config.h"

#include "ui/term/line_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "ui/term/keys.h"

enum { MAX_BYTES = 4096 };

void line_edit_fini(struct line_edit *l)
{
    str_fini(&l->text);
    l->at = 0;
}

void line_edit_set(struct line_edit *l, const char *text)
{
    str_clear(&l->text);
    str_add(&l->text, text);
    l->at = l->text.len;
    l->offered = false;
}

void line_edit_offer(struct line_edit *l, const char *text)
{
    const char *gap = strchr(text, '=');
    line_edit_set(l, text);
    l->offered = text[0] != '\0' && !text_ends(text, "=");
    if (gap && !l->offered) // names that want values, "model= data=": the first is to be typed where it belongs
        l->at = (size_t)(gap + 1 - text);
}

static size_t before(const struct line_edit *l, size_t at)
{
    if (at > 0)
        at--;
    while (at > 0 && ((unsigned char)l->text.data[at] & 0xc0) == 0x80)
        at--;
    return at;
}

static size_t after(const struct line_edit *l, size_t at)
{
    if (at < l->text.len)
        at++;
    while (at < l->text.len && ((unsigned char)l->text.data[at] & 0xc0) == 0x80)
        at++;
    return at;
}

static void cut(struct line_edit *l, size_t from, size_t to)
{
    if (to <= from)
        return;
    memmove(l->text.data + from, l->text.data + to, l->text.len - to + 1);
    l->text.len -= to - from;
    l->at = from;
}

static void insert(struct line_edit *l, int key)
{
    char bytes[4];
    size_t n = utf8_encode((uint32_t)key, bytes);
    if (l->text.len + n > MAX_BYTES)
        return;
    size_t tail = l->text.len - l->at;
    str_addn(&l->text, bytes, n); // makes the room
    memmove(l->text.data + l->at + n, l->text.data + l->at, tail);
    memcpy(l->text.data + l->at, bytes, n);
    l->at += n;
}

static size_t word_before(const struct line_edit *l)
{
    size_t at = l->at;
    while (at > 0 && l->text.data[at - 1] == ' ')
        at--;
    while (at > 0 && l->text.data[at - 1] != ' ' && !(l->text.data[at - 1] == '/' && at < l->at))
        at--;
    return at;
}

bool line_edit_key(struct line_edit *l, int key)
{
    bool types = key >= 32 && key < KEY_BASE_ && key != KEY_BACKSPACE_;
    if (l->offered && types)
        cut(l, 0, l->text.len);
    l->offered = false;
    switch (key) {
    case KEY_LEFT_:
    case 2: // Ctrl-b
        l->at = before(l, l->at);
        return true;
    case KEY_RIGHT_:
    case 6: // Ctrl-f
        l->at = after(l, l->at);
        return true;
    case KEY_HOME_:
    case 1: // Ctrl-a
        l->at = 0;
        return true;
    case KEY_END_:
    case 5: // Ctrl-e
        l->at = l->text.len;
        return true;
    case KEY_BACKSPACE_:
        cut(l, before(l, l->at), l->at);
        return true;
    case KEY_DELETE_:
    case 4: { // Ctrl-d
        size_t at = l->at;
        cut(l, at, after(l, at));
        return true;
    }
    case 21: // Ctrl-u
        cut(l, 0, l->at);
        return true;
    case 11: // Ctrl-k
        cut(l, l->at, l->text.len);
        return true;
    case 23: // Ctrl-w
        cut(l, word_before(l), l->at);
        return true;
    }
    if (!types)
        return false;
    insert(l, key);
    return true;
}

bool line_edit_paste(struct line_edit *l, const char *text, size_t n_bytes)
{
    struct str line = {0};
    bool blank = false;
    for (size_t i = 0; i < n_bytes;) {
        uint32_t code;
        char bytes[4];
        i += utf8_decode(text + i, n_bytes - i, &code);
        if (code == '\n' || code == '\r' || code == '\t') {
            blank = line.len > 0;
            continue;
        }
        if (code == UTF8_BAD || code < 0x20 || (code >= 0x7f && code < 0xa0))
            continue;
        if (blank)
            str_addc(&line, ' ');
        blank = false;
        str_addn(&line, bytes, utf8_encode(code, bytes));
    }
    const bool fits = (l->offered ? 0 : l->text.len) + line.len <= MAX_BYTES;
    if (fits && line.len > 0) {
        if (l->offered)
            cut(l, 0, l->text.len);
        l->offered = false;
        for (size_t i = 0; i < line.len;) {
            uint32_t code;
            i += utf8_decode(line.data + i, line.len - i, &code);
            insert(l, (int)code);
        }
    }
    str_fini(&line);
    return fits;
}

void line_edit_draw(const struct line_edit *l, struct canvas *c, int x, int y, int columns, struct style style)
{
    const char *text = str_text(&l->text);
    size_t from = 0;
    if (l->offered)
        style.attr |= ATTR_REVERSE;
    while (from < l->at && utf8_text_columns(text + from, l->at - from) >= (size_t)(columns > 1 ? columns : 1))
        from = after(l, from);
    int cursor = x + (int)utf8_text_columns(text + from, l->at - from);
    int end = x;
    for (size_t i = from; i < l->text.len;) {
        uint32_t code;
        i += utf8_decode(text + i, l->text.len - i, &code);
        int wide = code == UTF8_BAD ? 1 : utf8_columns(code);
        if (end + wide > x + columns)
            break;
        canvas_put(c, end, y, code, style);
        end += wide;
    }
    c->cursor_x = cursor;
    c->cursor_y = y;
}
