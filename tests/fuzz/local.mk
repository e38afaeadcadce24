# One LLVMFuzzerTestOneInput a parser; make check replays tests/fuzz/corpus and damaged copies of it.
FUZZ = %D%/replay.c %D%/fuzz.h %D%/fuzz_folder.c
check_PROGRAMS += %D%/fuzz_tokenizer %D%/fuzz_json %D%/fuzz_jinja %D%/fuzz_safetensors %D%/fuzz_corpus %D%/fuzz_parquet %D%/fuzz_csv %D%/fuzz_recipe %D%/fuzz_filter %D%/fuzz_tfevents
tests_fuzz_fuzz_tokenizer_SOURCES = %D%/fuzz_tokenizer.c $(FUZZ)
tests_fuzz_fuzz_tokenizer_LDADD = $(TEXT_LIBS)
tests_fuzz_fuzz_json_SOURCES = %D%/fuzz_json.c $(FUZZ)
tests_fuzz_fuzz_json_LDADD = $(BASE_LIBS)
tests_fuzz_fuzz_jinja_SOURCES = %D%/fuzz_jinja.c $(FUZZ)
tests_fuzz_fuzz_jinja_LDADD = $(TEXT_LIBS)
tests_fuzz_fuzz_corpus_SOURCES = %D%/fuzz_corpus.c $(FUZZ)
tests_fuzz_fuzz_corpus_LDADD = libcorpus.a $(BASE_LIBS)
tests_fuzz_fuzz_parquet_SOURCES = %D%/fuzz_parquet.c $(FUZZ)
tests_fuzz_fuzz_parquet_LDADD = libcorpus.a $(BASE_LIBS)
tests_fuzz_fuzz_csv_SOURCES = %D%/fuzz_csv.c $(FUZZ)
tests_fuzz_fuzz_csv_LDADD = libcorpus.a $(BASE_LIBS)
tests_fuzz_fuzz_filter_SOURCES = %D%/fuzz_filter.c $(FUZZ)
tests_fuzz_fuzz_filter_LDADD = $(BASE_LIBS)
tests_fuzz_fuzz_tfevents_SOURCES = %D%/fuzz_tfevents.c $(FUZZ)
tests_fuzz_fuzz_tfevents_LDADD = libexport.a $(STORE_LIBS)
tests_fuzz_fuzz_recipe_SOURCES = %D%/fuzz_recipe.c $(FUZZ)
tests_fuzz_fuzz_recipe_LDADD = $(TRAIN_LIBS)
tests_fuzz_fuzz_safetensors_SOURCES = %D%/fuzz_safetensors.c $(FUZZ)
tests_fuzz_fuzz_safetensors_LDADD = libmodel.a $(BASE_LIBS)

EXTRA_DIST += \
	%D%/corpus/tfevents/hparams %D%/corpus/tfevents/simple %D%/corpus/tfevents/tensor %D%/corpus/tfevents/version \
	%D%/corpus/filter/fields %D%/corpus/filter/numbers %D%/corpus/filter/tree \
	%D%/corpus/recipe/rounds %D%/corpus/recipe/words \
	%D%/corpus/csv/open %D%/corpus/csv/quotes %D%/corpus/csv/ragged %D%/corpus/csv/tabs \
	%D%/corpus/parquet/schema-twice %D%/corpus/parquet/int96.parquet %D%/corpus/parquet/legacy-lists.parquet %D%/corpus/parquet/pairs.parquet \
	%D%/libfuzzer.sh %D%/jinja.dict \
	%D%/corpus/jinja/chatml \
	%D%/corpus/jinja/context \
	%D%/corpus/jinja/filters \
	%D%/corpus/jinja/infinity \
	%D%/corpus/jinja/loops \
	%D%/corpus/jinja/macro \
	%D%/corpus/jinja/numbers \
	%D%/corpus/jinja/open \
	%D%/corpus/jinja/refused \
	%D%/corpus/jinja/sets \
	%D%/corpus/jinja/space \
	%D%/corpus/jinja/spaces \
	%D%/corpus/jinja/texts \
	%D%/corpus/jinja/think \
	%D%/corpus/jinja/trims \
	%D%/corpus/corpus/alpaca \
	%D%/corpus/corpus/commas \
	%D%/corpus/corpus/hh \
	%D%/corpus/corpus/messages \
	%D%/corpus/corpus/pairs \
	%D%/corpus/corpus/sharegpt \
	%D%/corpus/corpus/stories \
	%D%/corpus/corpus/trees \
	%D%/corpus/json/deep \
	%D%/corpus/json/duplicate \
	%D%/corpus/json/mixed \
	%D%/corpus/json/nul \
	%D%/corpus/json/number \
	%D%/corpus/json/utf8 \
	%D%/corpus/safetensors/empty \
	%D%/corpus/safetensors/gap \
	%D%/corpus/safetensors/huge \
	%D%/corpus/safetensors/overflow \
	%D%/corpus/safetensors/two \
	%D%/corpus/safetensors/types \
	%D%/corpus/tokenizer/bytes \
	%D%/corpus/tokenizer/deep \
	%D%/corpus/tokenizer/empty \
	%D%/corpus/tokenizer/metaspace \
	%D%/corpus/tokenizer/splits \
	%D%/corpus/tokenizer/spm
