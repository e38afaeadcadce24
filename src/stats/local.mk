# Statistics of judgements: pure functions on arrays.
noinst_LIBRARIES += libstats.a
libstats_a_SOURCES = \
	%D%/agreement.c %D%/agreement.h \
	%D%/annotators.c %D%/annotators.h \
	%D%/bias.c %D%/bias.h \
	%D%/binomial.c %D%/binomial.h \
	%D%/bradley_terry.c %D%/bradley_terry.h \
	%D%/cholesky.c %D%/cholesky.h \
	%D%/clusters.c %D%/clusters.h \
	%D%/histogram.c %D%/histogram.h \
	%D%/length_control.c \
	%D%/sequential.c %D%/sequential.h \
	%D%/special.c %D%/special.h \
	%D%/win_rate.c %D%/win_rate.h \
	%D%/win_slices.c %D%/win_slices.h
STATS_LIBS = libstats.a $(BASE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_stats tests/unit/test_stats_people tests/unit/test_stats_wins
tests_unit_test_stats_SOURCES = tests/unit/test_stats.c
tests_unit_test_stats_LDADD = $(STATS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_stats_people_SOURCES = tests/unit/test_stats_people.c
tests_unit_test_stats_people_LDADD = $(STATS_LIBS) $(CMOCKA_LIBS)
tests_unit_test_stats_wins_SOURCES = tests/unit/test_stats_wins.c
tests_unit_test_stats_wins_LDADD = $(STATS_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/golden/make_stats_golden.py tests/golden/stats.json tests/lib/golden_stats.h
