noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	%D%/adapter.c %D%/adapter.h \
	%D%/arch.c %D%/arch.h %D%/arch_reader.c %D%/arch_reader.h \
	%D%/arch_members.c \
	%D%/arch_rope.c \
	%D%/backend.h \
	%D%/decoder.c %D%/decoder.h %D%/decoder_internal.h \
	%D%/decoder_backward.c \
	%D%/decoder_forward.c \
	%D%/decoder_parts.c %D%/decoder_parts.h \
	%D%/decoder_record.c \
	%D%/gen_sample.c %D%/gen_sample.h \
	%D%/generate.c %D%/generate.h \
	%D%/generator.c %D%/generator.h \
	%D%/generator_networks.c %D%/generator_parts.h \
	%D%/generation_config.c %D%/generation_config.h \
	%D%/kv_cache.c %D%/kv_cache.h \
	%D%/lora.c \
	%D%/merge.c %D%/merge.h \
	%D%/merge_folder.c %D%/merge_folder.h \
	%D%/merge_source.c %D%/merge_source.h \
	%D%/model.c %D%/model.h %D%/model_parts.h \
	%D%/model_copy.c \
	%D%/model_hash.c \
	%D%/model_load.c \
	%D%/model_save.c \
	%D%/names.c %D%/names.h \
	%D%/packed_weights.c %D%/packed_weights.h \
	%D%/quantized.c %D%/quantized.h %D%/quantized_tables.h \
	%D%/safetensors.c %D%/safetensors.h \
	%D%/safetensors_write.c \
	%D%/shards.c \
	%D%/st_types.h \
	%D%/tape.c %D%/tape.h

MODEL_LIBS = libmodel.a $(PCRE2_LIBS) $(BASE_LIBS)

EXTRA_DIST += \
	tests/golden/make_decoder_golden.py tests/golden/decoder \
	tests/golden/make_rope_golden.py tests/golden/rope.json \
	tests/golden/models tests/lib/hf_folder.h \
	tests/golden/merge/merge.json tests/golden/merge/merge.py \
	tests/lib/golden_decoder.h tests/lib/packing.h tests/lib/reference_decoder.h

EXTRA_PROGRAMS += tests/tools/random_model
tests_tools_random_model_SOURCES = tests/tools/random_model.c
tests_tools_random_model_LDADD = $(CPU_LIBS) $(MODEL_LIBS)
CLEANFILES += tests/tools/random_model

EXTRA_DIST += tests/golden/quantized/nf4.json tests/golden/quantized/nf4.py

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_quantized
tests_unit_test_quantized_SOURCES = tests/unit/test_quantized.c
tests_unit_test_quantized_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_bf16
tests_unit_test_bf16_SOURCES = tests/unit/test_bf16.c
tests_unit_test_bf16_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_decoder tests/unit/test_decoder_gradient tests/unit/test_generate tests/unit/test_generate_mixed tests/unit/test_on_policy tests/unit/test_packed_weights tests/unit/test_sampler tests/unit/test_tape
tests_unit_test_decoder_SOURCES = tests/unit/test_decoder.c
tests_unit_test_decoder_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_decoder_gradient_SOURCES = tests/unit/test_decoder_gradient.c
tests_unit_test_decoder_gradient_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_generate_SOURCES = tests/unit/test_generate.c
tests_unit_test_generate_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_tape_SOURCES = tests/unit/test_tape.c
tests_unit_test_tape_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_generate_mixed_SOURCES = tests/unit/test_generate_mixed.c
tests_unit_test_generate_mixed_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_on_policy_SOURCES = tests/unit/test_on_policy.c
tests_unit_test_on_policy_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_packed_weights_SOURCES = tests/unit/test_packed_weights.c
tests_unit_test_packed_weights_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sampler_SOURCES = tests/unit/test_sampler.c
tests_unit_test_sampler_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_adapters tests/unit/test_arch tests/unit/test_hf_folders
tests_unit_test_adapters_SOURCES = tests/unit/test_adapters.c
tests_unit_test_adapters_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_arch_SOURCES = tests/unit/test_arch.c
tests_unit_test_arch_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_unit_test_hf_folders_SOURCES = tests/unit/test_hf_folders.c
tests_unit_test_hf_folders_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(TEXT_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_safetensors
tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c
tests_unit_test_safetensors_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_model
tests_unit_test_model_SOURCES = tests/unit/test_model.c
tests_unit_test_model_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test_merge
tests_unit_test_merge_SOURCES = tests/unit/test_merge.c
tests_unit_test_merge_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
