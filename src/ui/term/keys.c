// Keys by name, and keys out of the bytes that terminals send for them. The bytes are decoded here and not by curses:
// both cursor-key modes and every usual terminal's function keys are understood whatever TERM says.
#include "config.h"

#include "ui/term/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
    int key;
    const char *name;
} named[] = {
    {KEY_TAB_, "Tab"}, {KEY_ENTER_, "Enter"}, {KEY_ESCAPE_, "Esc"}, {KEY_BACKSPACE_, "Backspace"}, {' ', "Space"},
    {KEY_UP_, "Up"}, {KEY_DOWN_, "Down"}, {KEY_LEFT_, "Left"}, {KEY_RIGHT_, "Right"}, {KEY_HOME_, "Home"},
    {KEY_END_, "End"}, {KEY_PGUP_, "PgUp"}, {KEY_PGDN_, "PgDn"}, {KEY_DELETE_, "Del"}, {KEY_INSERT_, "Ins"},
    {KEY_BACKTAB_, "Shift-Tab"}, {'#', "Hash"}, // in keys.conf # begins a comment
};
enum { N_NAMED = sizeof named / sizeof *named };

const char *key_name(int key, char *out, unsigned size)
{
    char bytes[5] = "";
    if (key & KEY_ALT_) {
        char rest[16];
        snprintf(out, size, "Alt-%s", key_name(key & ~KEY_ALT_, rest, sizeof rest));
        return out;
    }
    for (int i = 0; i < N_NAMED; i++) {
        if (named[i].key == key) {
            snprintf(out, size, "%s", named[i].name);
            return out;
        }
    }
    if (key > KEY_F0_ && key <= KEY_F12_)
        snprintf(out, size, "F%d", key - KEY_F0_);
    else if (key > 0 && key < 32)
        snprintf(out, size, "Ctrl-%c", key + 'a' - 1);
    else if (key >= 32 && key < KEY_BASE_ && utf8_encode((uint32_t)key, bytes))
        snprintf(out, size, "%s", bytes);
    else
        snprintf(out, size, "?");
    return out;
}

int key_from_name(const char *name, unsigned n_bytes)
{
    if (n_bytes > 4 && memcmp(name, "Alt-", 4) == 0) {
        int rest = key_from_name(name + 4, n_bytes - 4);
        return rest ? rest | KEY_ALT_ : KEY_NONE_;
    }
    for (int i = 0; i < N_NAMED; i++)
        if (strlen(named[i].name) == n_bytes && memcmp(named[i].name, name, n_bytes) == 0)
            return named[i].key;
    if (n_bytes == 6 && memcmp(name, "Ctrl-", 5) == 0 && name[5] >= 'a' && name[5] <= 'z')
        return name[5] - 'a' + 1;
    const bool two = n_bytes == 3 && name[2] >= '0' && name[2] <= '9';
    if ((n_bytes == 2 || two) && name[0] == 'F' && name[1] >= '1' && name[1] <= '9') {
        int number = name[1] - '0';
        if (two)
            number = number * 10 + name[2] - '0';
        return number >= 1 && number <= 12 ? KEY_F0_ + number : KEY_NONE_;
    }
    uint32_t code;
    if (n_bytes > 0 && utf8_decode(name, n_bytes, &code) == n_bytes && code != UTF8_BAD && code >= 32)
        return (int)code;
    return KEY_NONE_;
}

// "ESC [ NUMBER ~" of xterm, rxvt, linux, tmux.
static int tilde_key(int number)
{
    static const int keys[] = {
        [1] = KEY_HOME_, [2] = KEY_INSERT_, [3] = KEY_DELETE_, [4] = KEY_END_, [5] = KEY_PGUP_, [6] = KEY_PGDN_,
        [7] = KEY_HOME_, [8] = KEY_END_, [11] = KEY_F0_ + 1, [12] = KEY_F0_ + 2, [13] = KEY_F0_ + 3,
        [14] = KEY_F0_ + 4, [15] = KEY_F0_ + 5, [17] = KEY_F0_ + 6, [18] = KEY_F0_ + 7, [19] = KEY_F0_ + 8,
        [20] = KEY_F0_ + 9, [21] = KEY_F0_ + 10, [23] = KEY_F0_ + 11, [24] = KEY_F0_ + 12,
    };
    return number >= 1 && number < (int)(sizeof keys / sizeof *keys) ? keys[number] : KEY_NONE_;
}

static int letter_key(char letter)
{
    switch (letter) {
    case 'A':
        return KEY_UP_;
    case 'B':
        return KEY_DOWN_;
    case 'C':
        return KEY_RIGHT_;
    case 'D':
        return KEY_LEFT_;
    case 'H':
        return KEY_HOME_;
    case 'F':
        return KEY_END_;
    case 'Z':
        return KEY_BACKTAB_;
    case 'M':
        return KEY_ENTER_;
    case 'P':
    case 'Q':
    case 'R':
    case 'S':
        return KEY_F0_ + 1 + letter - 'P';
    }
    return KEY_NONE_;
}

int key_from_mouse(enum mouse_act act, int x, int y)
{
    return KEY_MOUSE_ | (int)act << 20 | (y & 1023) << 10 | (x & 1023);
}

bool key_mouse(int key, struct mouse *out)
{
    if (!(key & KEY_MOUSE_))
        return false;
    *out = (struct mouse){(enum mouse_act)(key >> 20 & 7), key & 1023, key >> 10 & 1023};
    return true;
}

// "ESC [ < BUTTON ; COLUMN ; ROW M", with m at the end when the button is released.
static int mouse_key(const char *bytes, size_t n)
{
    char text[40];
    int button, column, row;
    if (n >= sizeof text)
        return KEY_NONE_;
    memcpy(text, bytes, n);
    text[n] = '\0';
    if (sscanf(text, "\033[<%4d;%4d;%4dM", &button, &column, &row) != 3 || column < 1 || row < 1 || column > 1024 ||
        row > 1024)
        return KEY_NONE_;
    const bool held = bytes[n - 1] == 'M';
    const enum mouse_act act = !held        ? (button == 0 ? MOUSE_RELEASE : MOUSE_OTHER)
                               : button == 0  ? MOUSE_PRESS
                               : button == 32 ? MOUSE_DRAG
                               : button == 64 ? MOUSE_WHEEL_UP
                               : button == 65 ? MOUSE_WHEEL_DOWN
                                              : MOUSE_OTHER;
    return key_from_mouse(act, column - 1, row - 1);
}

// A string of the terminal, "ESC ] ... BEL" or to "ESC \\". Alone, two bytes are a key with Alt.
static size_t decode_string(const char *bytes, size_t n, bool all, int *key)
{
    enum { LONGEST = 1024 };
    for (size_t i = 2; i < n && i < LONGEST; i++) {
        if (bytes[i] == '\a' || (bytes[i] == '\\' && bytes[i - 1] == 27)) {
            *key = KEY_REPLY_;
            return i + 1;
        }
    }
    if (n >= LONGEST || (all && n > 2))
        return n;
    if (!all)
        return 0;
    *key = bytes[1] | KEY_ALT_;
    return 2;
}

static bool is_string(char second)
{
    return second == ']' || second == 'P' || second == '_';
}

bool key_is_begun(const char *bytes, size_t n)
{
    return n > 2 && bytes[0] == 27 &&
           (is_string(bytes[1]) || (bytes[1] == '[' && (bytes[2] == '?' || bytes[2] == '<' || bytes[2] == '2' ||
                                                        (n > 3 && bytes[2] == '6' && bytes[3] == ';'))));
}

// bytes[0] is ESC and bytes[1] is '['.
static size_t decode_csi(const char *bytes, size_t n, bool all, int *key)
{
    if (n >= 3 && bytes[2] == '[') { // the Linux console's F1 to F5
        if (n < 4)
            return all ? n : 0;
        *key = bytes[3] >= 'A' && bytes[3] <= 'E' ? KEY_F0_ + 1 + bytes[3] - 'A' : KEY_NONE_;
        return 4;
    }
    size_t end = 2;
    while (end < n && end < 64 && (unsigned char)bytes[end] >= 0x20 && (unsigned char)bytes[end] < 0x40)
        end++;
    if (end >= n)
        return all || end >= 64 ? end : 0;
    char last = bytes[end];
    if ((unsigned char)last < 0x40 || (unsigned char)last > 0x7e)
        return end; // broken off by something else, which is decoded next
    if (last == '~' && end == 5 && memcmp(bytes + 2, "200", 3) == 0)
        *key = KEY_PASTE_;
    else if (bytes[2] == '<')
        *key = mouse_key(bytes, end + 1);
    else if (bytes[2] == '?' || (last == 't' && bytes[2] == '6')) // what it is, how large a cell is
        *key = KEY_REPLY_;
    else if (last == '~')
        *key = tilde_key(atoi(bytes + 2));
    else
        *key = letter_key(last);
    return end + 1;
}

size_t key_decode(const char *bytes, size_t n, bool all, int *key)
{
    *key = KEY_NONE_;
    if (n == 0)
        return 0;
    unsigned char first = (unsigned char)bytes[0];
    if (first == 27) {
        if (n == 1) {
            *key = all ? KEY_ESCAPE_ : KEY_NONE_;
            return all ? 1 : 0;
        }
        if (bytes[1] == '[')
            return decode_csi(bytes, n, all, key);
        if (bytes[1] == 'O') {
            if (n < 3) {
                *key = all ? 'O' | KEY_ALT_ : KEY_NONE_;
                return all ? 2 : 0;
            }
            *key = letter_key(bytes[2]);
            return 3;
        }
        if (is_string(bytes[1]))
            return decode_string(bytes, n, all, key);
        if (bytes[1] == 27) {
            *key = KEY_ESCAPE_;
            return 1;
        }
        size_t used = key_decode(bytes + 1, n - 1, all, key);
        if (used && *key)
            *key |= KEY_ALT_;
        return used ? used + 1 : 0;
    }
    if (first == '\n' || first == '\r') {
        *key = KEY_ENTER_;
        return 1;
    }
    if (first == 8 || first == 127) {
        *key = KEY_BACKSPACE_;
        return 1;
    }
    if (first < 0x80) {
        *key = first;
        return 1;
    }
    uint32_t code;
    size_t need = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (n < need && !all)
        return 0;
    size_t used = utf8_decode(bytes, n, &code);
    *key = code == UTF8_BAD || code < 0xa0 ? KEY_NONE_ : (int)code;
    return used;
}
