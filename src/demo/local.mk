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

# The demo's model, pairs and truth (made by data/make-demo-model.sh).
EXTRA_DIST += data/README.md data/demo-model.json data/make-demo-model.sh
demomodeldir = $(pkgdatadir)/models/demo
dist_demomodel_DATA = \
	share/attune/models/demo/README.md \
	share/attune/models/demo/chat_template.jinja \
	share/attune/models/demo/config.json \
	share/attune/models/demo/model.safetensors \
	share/attune/models/demo/special_tokens_map.json \
	share/attune/models/demo/text_rules.json \
	share/attune/models/demo/tokenizer.json \
	share/attune/models/demo/tokenizer_config.json
demorewarddir = $(pkgdatadir)/models/demo-reward
dist_demoreward_DATA = \
	share/attune/models/demo-reward/config.json \
	share/attune/models/demo-reward/model.safetensors \
	share/attune/models/demo-reward/special_tokens_map.json \
	share/attune/models/demo-reward/text_rules.json \
	share/attune/models/demo-reward/tokenizer.json \
	share/attune/models/demo-reward/tokenizer_config.json
demodatadir = $(pkgdatadir)/demo
dist_demodata_DATA = share/attune/demo/pairs.jsonl share/attune/demo/truth.json
