# What is shared between tests, and the checks on the tree itself.
EXTRA_DIST += tests/lib/e2e.sh tests/lib/testing.h tests/summary.sh

# Every operation of a backend against plain double loops, for the programs that do so with one.
CONFORMANCE = tests/conformance/conformance.h tests/conformance/conformance.c
CONFORMANCE_CHECKS = $(CONFORMANCE) \
	tests/conformance/attention_check.c \
	tests/conformance/elementwise_check.c \
	tests/conformance/head_check.c \
	tests/conformance/linear_check.c \
	tests/conformance/norms_check.c \
	tests/conformance/packed_check.c \
	tests/conformance/quantized_check.c \
	tests/conformance/rows_check.c \
	tests/conformance/sample_check.c \
	tests/conformance/stored_check.c

dist_check_SCRIPTS += tests/tree/check-includes.sh tests/tree/check-circles.sh tests/tree/check-headers.sh tests/tree/check-dist.sh tests/tree/check-example.sh tests/tree/check-mutants.sh tests/e2e/blas-core.sh

# Some five hundred faults, one after the other, each of which the quick tests of its room must see; some hours.
# MUTANTS="name gpu-*" tries these alone, MUTANTS_IN=FOLDER keeps the build for the next time.
.PHONY: check-mutants
check-mutants:
	CC='$(CC)' MUTANTS='$(MUTANTS)' MUTANTS_IN='$(MUTANTS_IN)' $(srcdir)/tests/mutants/check.sh '$(abs_srcdir)'
# Long measurements that documents speak of (docs/proof.md); about an hour.
.PHONY: check-slow
check-slow: all
	ATTUNE_SRCDIR='$(abs_srcdir)' $(srcdir)/tests/gpu/registers.sh || test $$? = 77
	$(srcdir)/tests/slow/demo-truth.sh .
	$(srcdir)/tests/slow/stories-grid.sh .
EXTRA_DIST += tests/slow/demo-truth.sh tests/slow/demo-table.awk tests/slow/interval.awk tests/slow/stories-grid.sh \
	tests/slow/stories-answers.awk tests/slow/stories-limit.awk tests/slow/stories-pairs.awk tests/slow/stories-rows.awk tests/slow/stories-table.awk
dist_check_SCRIPTS += tests/slow/check-parts.sh

EXTRA_DIST += tests/mutants/check.sh \
	tests/mutants/base.txt \
	tests/mutants/stats.txt \
	tests/mutants/store.txt \
	tests/mutants/text.txt \
	tests/mutants/corpus.txt \
	tests/mutants/demo.txt \
	tests/mutants/model.txt \
	tests/mutants/cpu.txt \
	tests/mutants/gpu.txt \
	tests/mutants/train-objective.txt \
	tests/mutants/train-data.txt \
	tests/mutants/train-learn.txt \
	tests/mutants/train-online.txt \
	tests/mutants/train-run.txt \
	tests/mutants/train-engine.txt \
	tests/mutants/export.txt \
	tests/mutants/launch.txt \
	tests/mutants/cli.txt \
	tests/mutants/ui.txt
