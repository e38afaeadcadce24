noinst_LIBRARIES += libbase.a
libbase_a_SOURCES = \
	%D%/clock.c %D%/clock.h \
	%D%/err.c %D%/err.h \
	%D%/file.c %D%/file.h \
	%D%/filter.c %D%/filter.h %D%/filter_parse.c %D%/filter_tree.h \
	%D%/human.c %D%/human.h \
	%D%/json.c %D%/json.h \
	%D%/manner.c %D%/manner.h \
	%D%/mem.c %D%/mem.h \
	%D%/members.c %D%/members.h \
	%D%/notes.c %D%/notes.h \
	%D%/places.c %D%/places.h \
	%D%/param.c %D%/param.h \
	%D%/pool.c %D%/pool.h \
	%D%/rng.c %D%/rng.h \
	%D%/sha256.c %D%/sha256.h \
	%D%/str.c %D%/str.h \
	%D%/utf8.c %D%/utf8.h \
	%D%/word_diff.c %D%/word_diff.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_base tests/unit/test_filter
tests_unit_test_filter_SOURCES = tests/unit/test_filter.c tests/lib/testing.h
tests_unit_test_filter_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_word_diff
tests_unit_test_word_diff_SOURCES = tests/unit/test_word_diff.c tests/lib/testing.h
tests_unit_test_word_diff_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_base_SOURCES = tests/unit/test_base.c tests/lib/testing.h
tests_unit_test_base_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
endif
