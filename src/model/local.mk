noinst_LIBRARIES += libmodel.a
libmodel_a_SOURCES = \
	%D%/arch.c %D%/arch.h \
	%D%/backend.h \
	%D%/decoder.h \
	%D%/generate.h \
	%D%/lora.c \
	%D%/model.c %D%/model.h %D%/model_parts.h \
	%D%/model_load.c \
	%D%/model_save.c \
	%D%/names.c %D%/names.h \
	%D%/safetensors.c %D%/safetensors.h \
	%D%/safetensors_write.c \
	%D%/st_types.h

MODEL_LIBS = libmodel.a $(BASE_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_safetensors
tests_unit_test_safetensors_SOURCES = tests/unit/test_safetensors.c
tests_unit_test_safetensors_LDADD = $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
