// Tests of consoles spend most of their time waiting for the next frame, so several of a program go on at once.
#pragma once

#include "testing.h"

// Runs each test in a process of its own, between a set-up and a tear-down of its own (NULL: none), at most n_at_once of
// them at a time; begin with the longest. What one says is shown whole, in the order of the table. Returns how many failed.
int run_side_by_side(int n_at_once, const struct CMUnitTest *tests, size_t n_tests, CMFixtureFunction set_up,
                     CMFixtureFunction tear_down);
