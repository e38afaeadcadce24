# What is shared between tests, and the checks on the tree itself.
EXTRA_DIST += tests/lib/testing.h tests/summary.sh

dist_check_SCRIPTS += tests/tree/check-includes.sh tests/tree/check-circles.sh tests/tree/check-headers.sh tests/tree/check-example.sh tests/e2e/blas-core.sh
