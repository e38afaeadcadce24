# libcorpus.a and its tests
noinst_LIBRARIES += libcorpus.a
libcorpus_a_SOURCES = \
	%D%/corpus.c %D%/corpus.h \
	%D%/diversity.c %D%/diversity.h \
	%D%/fields.c %D%/fields.h \
	%D%/csv_cells.c \
	%D%/groups.c \
	%D%/layout.c \
	%D%/labels.c %D%/labels.h \
	%D%/map.c %D%/map.h \
	%D%/messages.c \
	%D%/lists.c %D%/lists.h \
	%D%/needs.c \
	%D%/normal_form.c \
	%D%/records.c %D%/records.h \
	%D%/refusals.c \
	%D%/row.c %D%/row.h \
	%D%/shape_lists.c \
	%D%/shape_pairs.c \
	%D%/shape_single.c \
	%D%/shapes.c %D%/shapes.h \
	%D%/shards.c %D%/shards.h \
	%D%/tidy.c %D%/tidy.h \
	%D%/source.c %D%/source.h %D%/source_kinds.h \
	%D%/source_csv.c \
	%D%/source_json.c \
	%D%/source_parquet.c \
	%D%/survey.c %D%/survey.h %D%/survey_tokens.c \
	%D%/parquet/columns.c \
	%D%/parquet/encodings.c %D%/parquet/encodings.h \
	%D%/parquet/file.c %D%/parquet/file.h \
	%D%/parquet/metadata.c \
	%D%/parquet/parquet.c %D%/parquet/parquet.h \
	%D%/parquet/rows.c \
	%D%/parquet/thrift.c %D%/parquet/thrift.h \
	%D%/parquet/values.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_diversity
tests_unit_test_diversity_SOURCES = tests/unit/test_diversity.c tests/lib/testing.h
tests_unit_test_diversity_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_corpus tests/unit/test_layouts tests/unit/test_parquet tests/unit/test_readings
tests_unit_test_corpus_SOURCES = tests/unit/test_corpus.c tests/fuzz/fuzz_corpus.c tests/lib/testing.h
tests_unit_test_parquet_SOURCES = tests/unit/test_parquet.c
tests_unit_test_parquet_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_layouts_SOURCES = tests/unit/test_layouts.c tests/lib/testing.h
tests_unit_test_layouts_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_readings_SOURCES = tests/unit/test_readings.c tests/lib/testing.h
tests_unit_test_readings_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_corpus_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_survey
tests_unit_test_survey_SOURCES = tests/unit/test_survey.c tests/lib/testing.h
tests_unit_test_survey_LDADD = libcorpus.a $(TEXT_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_source
tests_unit_test_source_SOURCES = tests/unit/test_source.c tests/lib/testing.h
tests_unit_test_source_LDADD = libcorpus.a $(BASE_LIBS) $(CMOCKA_LIBS)
endif

EXTRA_DIST += \
	tests/golden/parquet/big-text.parquet \
	tests/golden/parquet/chats-gzip-v1-dictionary.parquet \
	tests/golden/parquet/chats-gzip-v1-plain.parquet \
	tests/golden/parquet/chats-gzip-v2-dictionary.parquet \
	tests/golden/parquet/chats-gzip-v2-plain.parquet \
	tests/golden/parquet/chats-none-v1-dictionary.parquet \
	tests/golden/parquet/chats-none-v1-plain.parquet \
	tests/golden/parquet/chats-none-v2-dictionary.parquet \
	tests/golden/parquet/chats-none-v2-plain.parquet \
	tests/golden/parquet/chats-snappy-v1-dictionary.parquet \
	tests/golden/parquet/chats-snappy-v1-plain.parquet \
	tests/golden/parquet/chats-snappy-v2-dictionary.parquet \
	tests/golden/parquet/chats-snappy-v2-plain.parquet \
	tests/golden/parquet/chats-zstd-v1-dictionary.parquet \
	tests/golden/parquet/chats-zstd-v1-plain.parquet \
	tests/golden/parquet/chats-zstd-v2-dictionary.parquet \
	tests/golden/parquet/chats-zstd-v2-plain.parquet \
	tests/golden/parquet/chats.jsonl \
	tests/golden/parquet/dictionary-fallback.jsonl \
	tests/golden/parquet/dictionary-fallback.parquet \
	tests/golden/parquet/int96.jsonl \
	tests/golden/parquet/int96.parquet \
	tests/golden/parquet/legacy-lists.jsonl \
	tests/golden/parquet/legacy-lists.parquet \
	tests/golden/parquet/make.py \
	tests/golden/parquet/no-rows.parquet \
	tests/golden/parquet/numbers-delta-v1.parquet \
	tests/golden/parquet/numbers-delta-v2.parquet \
	tests/golden/parquet/numbers-split-v1.parquet \
	tests/golden/parquet/numbers-split-v2.parquet \
	tests/golden/parquet/numbers.jsonl \
	tests/golden/parquet/pairs.parquet \
	tests/golden/parquet/refused-brotli.parquet \
	tests/golden/parquet/refused-lz4.parquet \
	tests/golden/parquet/types-fixed.parquet \
	tests/golden/parquet/types.jsonl \
	tests/golden/parquet/types.parquet \
	tests/data/layouts/alpacafarm.jsonl \
	tests/data/layouts/arena-140k.jsonl \
	tests/data/layouts/arena-55k.jsonl \
	tests/data/layouts/arena-conversations.jsonl \
	tests/data/layouts/argilla-lists.jsonl \
	tests/data/layouts/beavertails.jsonl \
	tests/data/layouts/chosen-response.jsonl \
	tests/data/layouts/distilabel-ratings.jsonl \
	tests/data/layouts/dolly.jsonl \
	tests/data/layouts/helpsteer2-preference.jsonl \
	tests/data/layouts/helpsteer2.jsonl \
	tests/data/layouts/helpsteer3.jsonl \
	tests/data/layouts/llmbar.jsonl \
	tests/data/layouts/math-step-dpo.jsonl \
	tests/data/layouts/nectar.jsonl \
	tests/data/layouts/oasst-flat.jsonl \
	tests/data/layouts/openai-preference.jsonl \
	tests/data/layouts/orca-pairs.jsonl \
	tests/data/layouts/pku-saferlhf.jsonl \
	tests/data/layouts/question-answer.jsonl \
	tests/data/layouts/ranked-responses.jsonl \
	tests/data/layouts/rewardbench-2.jsonl \
	tests/data/layouts/rewardbench.jsonl \
	tests/data/layouts/shp.jsonl \
	tests/data/layouts/stack-exchange-paired.jsonl \
	tests/data/layouts/summaries.jsonl \
	tests/data/layouts/tools.jsonl \
	tests/data/layouts/ultrafeedback-binarized.jsonl \
	tests/data/layouts/ultrainteract.jsonl \
	tests/data/layouts/webgpt.jsonl \
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
