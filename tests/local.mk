# What is shared between tests, and the checks on the tree itself.
EXTRA_DIST += tests/lib/testing.h tests/summary.sh

dist_check_SCRIPTS += tests/tree/check-includes.sh tests/tree/check-headers.sh tests/tree/check-example.sh tests/e2e/blas-core.sh

# Fifty and more faults, one after the other, each of which the quick tests of its room must see; some minutes.
# MUTANTS="name name" tries these alone.
.PHONY: check-mutants
check-mutants:
	CC='$(CC)' MUTANTS='$(MUTANTS)' $(srcdir)/tests/mutants/check.sh '$(abs_srcdir)'
EXTRA_DIST += tests/mutants/check.sh tests/mutants/mutants.txt
