#include "config.h"

#include "ui/term/clipboard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void base64_add(const char *bytes, size_t n, struct str *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        const size_t left = n - i;
        const uint32_t a = (unsigned char)bytes[i], b = left > 1 ? (unsigned char)bytes[i + 1] : 0;
        const uint32_t all = a << 16 | b << 8 | (left > 2 ? (unsigned char)bytes[i + 2] : 0);
        str_addc(out, digits[all >> 18]);
        str_addc(out, digits[all >> 12 & 63]);
        str_addc(out, left > 1 ? digits[all >> 6 & 63] : '=');
        str_addc(out, left > 2 ? digits[all & 63] : '=');
    }
}

enum multiplexer clipboard_multiplexer(void)
{
    const char *tmux = getenv("TMUX"), *screen = getenv("STY");
    if (tmux && *tmux)
        return MULTIPLEXER_TMUX;
    return screen && *screen ? MULTIPLEXER_SCREEN : MULTIPLEXER_NONE;
}

// tmux passes on what stands in a string of its own, with every ESC doubled.
static void wrap_for_tmux(const char *plain, struct str *out)
{
    str_add(out, "\033Ptmux;");
    for (; *plain; plain++) {
        if (*plain == '\033')
            str_addc(out, '\033');
        str_addc(out, *plain);
    }
    str_add(out, "\033\\");
}

// GNU screen passes on strings of at most 768 bytes: the sequence goes through in pieces.
static void wrap_for_screen(const char *plain, size_t n, struct str *out)
{
    enum { PIECE = 700 };
    for (size_t i = 0; i < n; i += PIECE) {
        str_add(out, "\033P");
        str_addn(out, plain + i, n - i < PIECE ? n - i : PIECE);
        str_add(out, "\033\\");
    }
}

bool clipboard_sequence(const char *text, size_t n_bytes, enum multiplexer within, struct str *out)
{
    struct str plain = {0};
    if (n_bytes > CLIPBOARD_MAX)
        return false;
    str_add(&plain, "\033]52;c;");
    base64_add(text, n_bytes, &plain);
    str_add(&plain, "\a");
    if (within == MULTIPLEXER_SCREEN) {
        wrap_for_screen(str_text(&plain), plain.len, out);
    } else {
        str_add(out, str_text(&plain));
        if (within == MULTIPLEXER_TMUX)
            wrap_for_tmux(str_text(&plain), out);
    }
    str_fini(&plain);
    return true;
}
