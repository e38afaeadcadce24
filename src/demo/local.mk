# libdemo.a and its tests
noinst_LIBRARIES += libdemo.a
libdemo_a_SOURCES = \
	%D%/demo.h \
	%D%/grammar.c %D%/grammar.h \
	%D%/story.c \
	%D%/story_rules.c %D%/story_rules.h \
	%D%/style.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_demo
tests_unit_test_demo_SOURCES = tests/unit/test_demo.c tests/lib/testing.h
tests_unit_test_demo_LDADD = libdemo.a libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif
