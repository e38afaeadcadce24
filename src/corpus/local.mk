# libcorpus.a and its tests
noinst_LIBRARIES += libcorpus.a
libcorpus_a_SOURCES = \
	%D%/corpus.c %D%/corpus.h \
	%D%/csv_cells.c \
	%D%/groups.c \
	%D%/layout.c \
	%D%/labels.c %D%/labels.h \
	%D%/messages.c \
	%D%/lists.c %D%/lists.h \
	%D%/needs.c \
	%D%/normal_form.c \
	%D%/records.c %D%/records.h \
	%D%/row.c %D%/row.h \
	%D%/shape_lists.c \
	%D%/shape_pairs.c \
	%D%/shape_single.c \
	%D%/shapes.c %D%/shapes.h \
	%D%/shards.c %D%/shards.h \
	%D%/source.c %D%/source.h %D%/source_kinds.h \
	%D%/source_csv.c \
	%D%/source_json.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_corpus
tests_unit_test_corpus_SOURCES = tests/unit/test_corpus.c tests/fuzz/fuzz_corpus.c tests/lib/testing.h
tests_unit_test_corpus_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_source
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/lib/testing.h
tests_unit_test_source_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += \
	tests/data/corpus/alpaca-pairs.json \
	tests/data/corpus/alpaca.json \
	tests/data/corpus/commas.json \
	tests/data/corpus/completions.jsonl \
	tests/data/corpus/cut.json \
	tests/data/corpus/hh.jsonl \
	tests/data/corpus/kto-completions.jsonl \
	tests/data/corpus/kto.jsonl \
	tests/data/corpus/marked.txt \
	tests/data/corpus/messages.jsonl \
	tests/data/corpus/pairs.jsonl \
	tests/data/corpus/parts.jsonl \
	tests/data/corpus/prompts.jsonl \
	tests/data/corpus/questions.jsonl \
	tests/data/corpus/sft-messages.jsonl \
	tests/data/corpus/sharegpt.json \
	tests/data/corpus/shares.jsonl \
	tests/data/corpus/stories.txt \
	tests/data/corpus/texts.jsonl \
	tests/data/corpus/trees.jsonl \
	tests/data/corpus/ultrafeedback.jsonl \
	tests/data/corpus/votes.json

dist_check_SCRIPTS += tests/e2e/data.sh
