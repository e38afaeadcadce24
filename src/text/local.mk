noinst_LIBRARIES += libtext.a
libtext_a_SOURCES = \
	%D%/added.c %D%/added.h \
	%D%/bpe.c %D%/bpe.h \
	%D%/bpe_train.c %D%/bpe_train.h \
	%D%/bpe_train_write.c %D%/bpe_train_write.h \
	%D%/component.c %D%/component.h \
	%D%/decode.c \
	%D%/stop_texts.c %D%/stop_texts.h \
	%D%/normalize.c \
	%D%/pattern.c %D%/pattern.h \
	%D%/postprocess.c \
	%D%/pretokenize.c \
	%D%/tokenizer.c %D%/tokenizer.h %D%/tokenizer_parts.h \
	%D%/tokenizer_add.c \
	%D%/tokenizer_config.c %D%/tokenizer_config.h \
	%D%/tokenizer_load.c \
	%D%/tokenizer_members.c \
	%D%/vocab.c %D%/vocab.h \
	%D%/chat_template.c %D%/chat_template.h \
	%D%/jinja/access.c %D%/jinja/ast.h %D%/jinja/calls.c %D%/jinja/compare.c %D%/jinja/eval.c %D%/jinja/exec.c \
	%D%/jinja/filters.c %D%/jinja/filters_list.c %D%/jinja/format.c %D%/jinja/globals.c \
	%D%/jinja/jinja.h %D%/jinja/lexer.c %D%/jinja/methods.c %D%/jinja/methods_text.c %D%/jinja/operators.c \
	%D%/jinja/parse.c %D%/jinja/parse_expression.c %D%/jinja/parser.c %D%/jinja/percent.c %D%/jinja/strings.c \
	%D%/jinja/tests.c %D%/jinja/value.c %D%/jinja/value.h
TEXT_LIBS = libtext.a $(PCRE2_LIBS) $(BASE_LIBS)

# What --chat-template NAME finds.
chattemplatedir = $(pkgdatadir)/templates
dist_chattemplate_DATA = \
	share/attune/templates/alpaca.jinja \
	share/attune/templates/amberchat.jinja \
	share/attune/templates/chatglm3.jinja \
	share/attune/templates/chatglm4.jinja \
	share/attune/templates/chatml.jinja \
	share/attune/templates/chatml-strict.jinja \
	share/attune/templates/command-r.jinja \
	share/attune/templates/deepseek-v2.jinja \
	share/attune/templates/gemma.jinja \
	share/attune/templates/gemma-no-bos.jinja \
	share/attune/templates/gemma-system.jinja \
	share/attune/templates/glm-edge.jinja \
	share/attune/templates/granite-3.0.jinja \
	share/attune/templates/hh.jinja \
	share/attune/templates/llama-2.jinja \
	share/attune/templates/llama-2-strict.jinja \
	share/attune/templates/llama-3.jinja \
	share/attune/templates/llama-3-open.jinja \
	share/attune/templates/llama-3-strict.jinja \
	share/attune/templates/llama-3.1.jinja \
	share/attune/templates/megrez.jinja \
	share/attune/templates/minicpm.jinja \
	share/attune/templates/mistral.jinja \
	share/attune/templates/mistral-nemo.jinja \
	share/attune/templates/mistral-strict.jinja \
	share/attune/templates/mistral-v1.jinja \
	share/attune/templates/mistral-v3.jinja \
	share/attune/templates/mistral-v7.jinja \
	share/attune/templates/monarch.jinja \
	share/attune/templates/openchat.jinja \
	share/attune/templates/openchat-strict.jinja \
	share/attune/templates/orion.jinja \
	share/attune/templates/phi-3.jinja \
	share/attune/templates/phi-3-medium.jinja \
	share/attune/templates/phi-3-small.jinja \
	share/attune/templates/phi-3-small-strict.jinja \
	share/attune/templates/phi-3-strict.jinja \
	share/attune/templates/phi-3-vision.jinja \
	share/attune/templates/phi-4.jinja \
	share/attune/templates/plain.jinja \
	share/attune/templates/qwen2.jinja \
	share/attune/templates/qwen2.5.jinja \
	share/attune/templates/qwen3.jinja \
	share/attune/templates/saiga.jinja \
	share/attune/templates/smollm2.jinja \
	share/attune/templates/solar.jinja \
	share/attune/templates/vicuna.jinja \
	share/attune/templates/vicuna-1.1.jinja \
	share/attune/templates/vicuna-orca.jinja \
	share/attune/templates/zephyr.jinja \
	share/attune/templates/zephyr-strict.jinja

EXTRA_DIST += \
	tests/golden/text/boundary.json tests/golden/text/make_boundary.py \
	tests/data/tokenizer-bytes/tokenizer.json tests/data/tokenizer-bytes/tokenizer_config.json \
	tests/data/tokenizer-spm/tokenizer.json tests/data/tokenizer-spm/tokenizer_config.json \
	tests/data/tokenizer-train.txt tests/golden/tokenizer.json tests/golden/make_tokenizer_golden.py \
	tests/golden/make_resaved_tokenizers.py tests/golden/resaved.json tests/golden/resaved \
	tests/golden/chat_templates.json tests/golden/make_chat_golden.py tests/golden/jinja_oracle.py \
	tests/golden/jinja.json tests/golden/make_jinja_golden.py \
	tests/golden/jinja_assets.json tests/golden/make_jinja_assets_golden.py

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_chat_template tests/unit/test_jinja tests/unit/test_stop_texts tests/unit/test_tokenizer tests/unit/test_tokenizer_assets tests/unit/test_boundary
tests_unit_test_chat_template_SOURCES = tests/unit/test_chat_template.c
tests_unit_test_chat_template_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_stop_texts_SOURCES = tests/unit/test_stop_texts.c
tests_unit_test_stop_texts_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_jinja_SOURCES = tests/unit/test_jinja.c
tests_unit_test_jinja_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_boundary_SOURCES = tests/unit/test_boundary.c
tests_unit_test_boundary_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tokenizer_SOURCES = tests/unit/test_tokenizer.c
tests_unit_test_tokenizer_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tokenizer_assets_SOURCES = tests/unit/test_tokenizer_assets.c
tests_unit_test_tokenizer_assets_LDADD = $(TEXT_LIBS) $(CMOCKA_LIBS)
endif
