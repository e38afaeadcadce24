noinst_LIBRARIES += libtext.a
libtext_a_SOURCES = \
	%D%/added.c %D%/added.h \
	%D%/bpe.c %D%/bpe.h \
	%D%/bpe_train.c %D%/bpe_train.h \
	%D%/bpe_train_write.c %D%/bpe_train_write.h \
	%D%/component.c %D%/component.h \
	%D%/decode.c \
	%D%/normalize.c \
	%D%/pattern.c %D%/pattern.h \
	%D%/postprocess.c \
	%D%/pretokenize.c \
	%D%/tokenizer.c %D%/tokenizer.h %D%/tokenizer_parts.h \
	%D%/tokenizer_config.c %D%/tokenizer_config.h \
	%D%/tokenizer_load.c \
	%D%/vocab.c %D%/vocab.h \
	%D%/chat_template.c %D%/chat_template.h \
	%D%/chat_template_recognize.c \
	%D%/chat_template_table.c %D%/chat_template_table.h \
	%D%/jinja_normalize.c
TEXT_LIBS = libtext.a $(PCRE2_LIBS) $(BASE_LIBS)

EXTRA_DIST += \
	tests/data/tokenizer-bytes/tokenizer.json tests/data/tokenizer-bytes/tokenizer_config.json \
	tests/data/tokenizer-spm/tokenizer.json tests/data/tokenizer-spm/tokenizer_config.json \
	tests/data/tokenizer-train.txt tests/golden/tokenizer.json tests/golden/make_tokenizer_golden.py \
	tests/golden/chat_templates.json tests/golden/make_chat_golden.py

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_chat_template tests/unit/test_tokenizer tests/unit/test_tokenizer_assets
tests_unit_test_chat_template_SOURCES = tests/unit/test_chat_template.c
tests_unit_test_chat_template_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tokenizer_SOURCES = tests/unit/test_tokenizer.c
tests_unit_test_tokenizer_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tokenizer_assets_SOURCES = tests/unit/test_tokenizer_assets.c
tests_unit_test_tokenizer_assets_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
endif
