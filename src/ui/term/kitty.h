// Pictures by kitty's graphics protocol (its document "Terminal graphics protocol"): a PNG in pieces of base64.
#pragma once

#include <stddef.h>

#include "base/str.h"

// Shows the PNG at the cursor, over so many cells, below what is written there; one of the same number is replaced. No
// answer comes.
void kitty_show(int number, const char *png, size_t n_bytes, int n_columns, int n_rows, struct str *out);
void kitty_delete(int number, struct str *out);
#define KITTY_DELETE_ALL "\033_Ga=d,d=A,q=2\033\\"
// Whether it has them: answered by "OK", or by nothing where it does not know the question.
#define KITTY_QUESTION "\033_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\033\\"
#define KITTY_ANSWER "\033_Gi=31;OK"
