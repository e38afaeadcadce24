// Fields of the form found by what is typed behind /.
#pragma once

#include "ui/view.h"

enum view_result launch_find_field(struct view *v, const char *arg); // CMD_FIND
extern const struct find_ops launch_find;
