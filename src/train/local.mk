# libtrain.a, the program attune-engine, and their tests
noinst_LIBRARIES += libtrain.a
libtrain_a_SOURCES = \
	%D%/batch.c %D%/batch.h \
	%D%/checkpoint.c %D%/checkpoint.h \
	%D%/control.c %D%/control.h \
	%D%/dataset.c %D%/dataset.h \
	%D%/evaluate.c %D%/evaluate.h \
	%D%/metrics.c %D%/metrics.h \
	%D%/objectives/dpo.c \
	%D%/objectives/objective.h \
	%D%/objectives/objectives.c \
	%D%/objectives/rm.c \
	%D%/objectives/sft.c \
	%D%/objectives/stable.h \
	%D%/optimizer.c %D%/optimizer.h \
	%D%/params.c %D%/params.h \
	%D%/probe.c %D%/probe.h \
	%D%/recorder.c %D%/recorder.h \
	%D%/reference.c %D%/reference.h \
	%D%/run.c %D%/run.h \
	%D%/run_load.c \
	%D%/schedule.c %D%/schedule.h \
	%D%/trainer.c %D%/trainer.h
TRAIN_LIBS = libtrain.a libdemo.a libcorpus.a libtext.a libmodel.a $(CPU_LIBS) libstore.a $(PCRE2_LIBS) $(SQLITE_LIBS) \
	$(BASE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_objectives
tests_unit_test_objectives_SOURCES = tests/unit/test_objectives.c
tests_unit_test_objectives_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
endif
EXTRA_DIST += tests/golden/objectives.json tests/golden/objectives.py
