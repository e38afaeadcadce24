#include "config.h"

#include "ui/term/kitty.h"

#include "ui/term/clipboard.h"

void kitty_show(int number, const char *png, size_t n_bytes, int n_columns, int n_rows, struct str *out)
{
    enum { PIECE = 3072 }; // 4096 of base64, the longest that a terminal has to take
    for (size_t at = 0; at < n_bytes; at += PIECE) {
        const size_t n = n_bytes - at < PIECE ? n_bytes - at : PIECE;
        str_add(out, "\033_G");
        if (at == 0)
            str_addf(out, "a=T,f=100,t=d,i=%d,p=1,c=%d,r=%d,C=1,z=-1,q=2,", number, n_columns, n_rows);
        str_addf(out, "m=%d;", at + n < n_bytes);
        base64_add(png + at, n, out);
        str_add(out, "\033\\");
    }
}

void kitty_delete(int number, struct str *out)
{
    str_addf(out, "\033_Ga=d,d=I,i=%d,q=2\033\\", number);
}
