// What the last word of a command line, perhaps only begun, may become: asked by the completion scripts of all shells.
#pragma once

#include <stdio.h>

// words[0..n): the words behind "attune", the last one the one that is being typed ("" when nothing is yet). Prints a
// candidate a line; nothing where a file or a free value is wanted.
void complete_words(char **words, int n, FILE *out);
