# libexport.a: what leaves the project for other programs: tables, and event files for TensorBoard.
noinst_LIBRARIES += libexport.a
libexport_a_SOURCES = \
	%D%/crc32c.c %D%/crc32c.h \
	%D%/export.c %D%/export.h \
	%D%/export_tensorboard.c \
	%D%/import.c %D%/import.h \
	%D%/run_metrics.c %D%/run_metrics.h \
	%D%/table_file.c %D%/table_file.h \
	%D%/tfevents.c %D%/tfevents.h \
	%D%/tfevents_read.c %D%/tfevents_read.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_export
tests_unit_test_export_SOURCES = tests/unit/test_export.c tests/lib/testing.h
tests_unit_test_export_LDADD = libexport.a $(STORE_LIBS) $(CMOCKA_LIBS)
endif
