# Statistics of judgements: pure functions on arrays.
noinst_LIBRARIES += libstats.a
libstats_a_SOURCES = \
	%D%/binomial.c %D%/binomial.h \
	%D%/special.c %D%/special.h
STATS_LIBS = libstats.a $(BASE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_stats
tests_unit_test_stats_SOURCES = tests/unit/test_stats.c
tests_unit_test_stats_LDADD = $(STATS_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/golden/make_stats_golden.py tests/golden/stats.json tests/lib/golden_stats.h
