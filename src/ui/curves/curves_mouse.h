// The mouse on the page of curves: the wheel zooms, a press chooses a chart, a rectangle zooms into what it encloses.
#pragma once

#include "ui/curves/curves.h"
#include "ui/view.h"

// Everything but the wheel.
enum view_result curves_drag(struct curves *c, struct mouse m);
