#pragma once

#include "base/err.h"

// Into the model folder `out`, of what the checkpoint `from` says of its training and text: README.md, and
// chat_template.jinja where the run wrote conversations in another template than its tokenizer's. Nothing for a folder
// that is no run's.
int model_card_write(const char *from, const char *out, struct err *e);
