// One number a run (curves_summary.h) as a picture: a scatter of letters, or boxes.
#pragma once

#include "ui/curves/curves_picture.h"

// Appends the file to *out; ERR_STATE where no run has what it is of.
int summary_picture(const struct curves *c, const struct painter_ops *painter, const struct curves_look *look,
                    struct str *out, struct err *e);
