# The project folder's attune.db and each run's run.db; the only folder that knows SQLite.
noinst_LIBRARIES += libstore.a
libstore_a_SOURCES = \
	%D%/eval_file.c %D%/eval_file.h \
	%D%/eval_names.c %D%/eval_names.h \
	%D%/file_system.c %D%/file_system.h \
	%D%/judged_votes.c %D%/judged_votes.h \
	%D%/label_claims.c \
	%D%/label_drafts.c %D%/label_drafts.h \
	%D%/label_sets.c %D%/label_sets.h \
	%D%/labels.c %D%/labels.h %D%/labels_internal.h \
	%D%/labels_pending.c %D%/labels_pending.h \
	%D%/labels_read.c \
	%D%/names.c %D%/names.h \
	%D%/run_best.c %D%/run_best.h \
	%D%/run_db.h %D%/run_internal.h \
	%D%/run_edits.c %D%/run_edits.h \
	%D%/run_moves.c \
	%D%/run_pairs.c \
	%D%/run_reader.c \
	%D%/run_rename.c \
	%D%/run_status.c \
	%D%/run_tags.c \
	%D%/run_trash.c \
	%D%/run_writer.c \
	%D%/schema.c \
	%D%/sql.c %D%/sql.h \
	%D%/store.c %D%/store.h %D%/store_internal.h \
	%D%/store_controls.c \
	%D%/store_runs.c
STORE_LIBS = libstore.a $(BASE_LIBS) $(SQLITE_LIBS)

# Offers pairs of a run that is none, for tests of labelling.
noinst_PROGRAMS += tests/tools/offer_pairs
tests_tools_offer_pairs_SOURCES = tests/tools/offer_pairs.c
tests_tools_offer_pairs_LDADD = $(STORE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_run_edits
tests_unit_test_run_edits_SOURCES = tests/unit/test_run_edits.c
tests_unit_test_run_edits_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_durable tests/unit/test_eval_file tests/unit/test_labels tests/unit/test_label_sets tests/unit/test_store tests/unit/test_run_db tests/unit/test_run_lock
tests_unit_test_durable_SOURCES = tests/unit/test_durable.c tests/lib/disk_trace.h
tests_unit_test_durable_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_eval_file_SOURCES = tests/unit/test_eval_file.c
tests_unit_test_eval_file_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_labels_SOURCES = tests/unit/test_labels.c
tests_unit_test_labels_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_label_sets_SOURCES = tests/unit/test_label_sets.c tests/lib/testing.h
tests_unit_test_label_sets_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_run_db_SOURCES = tests/unit/test_run_db.c
tests_unit_test_run_db_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_run_lock_SOURCES = tests/unit/test_run_lock.c
tests_unit_test_run_lock_LDADD = $(STORE_LIBS) $(CMOCKA_LIBS)
endif
