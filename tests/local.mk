# What is shared between tests, and the checks on the tree itself.
EXTRA_DIST += tests/lib/testing.h tests/summary.sh
