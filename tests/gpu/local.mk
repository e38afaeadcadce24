# The cuda backend's tests. Its kernels as the host compiler makes them (cuda_host.h), in programs and as a plugin; then what
# surrounds them on a real machine: the checks that run on a device, what they are carried there in, and what nvcc says of them.
check_DATA =
EXTRA_DIST += %D%/make-bundle.sh %D%/on-device.sh %D%/registers.sh %D%/registers.txt bench/gpu_transformers.py

GPU_HOST_OBJECTS = $(GPU_FILES:.cu=.host.o) $(GPU_HOST_STAND_IN:.cc=.host.o)
GPU_HOST_INCLUDES = %D%/cublaslt_host.h %D%/cuda_host.h %D%/cuda_host_memory.h
GPU_HOST_STAND_IN = %D%/cublaslt_host.cc %D%/cuda_host.cc %D%/cuda_host_block.cc %D%/cuda_host_memory.cc
GPU_HOST_CXXFLAGS = -std=gnu++20 -fPIC -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers $(GPU_WERROR) \
	-ffp-contract=off -DATTUNE_CUDA_ON_HOST -I$(srcdir)/%D% $(GPU_SANITIZERS)
SUFFIXES += .cc .host.o
.cu.host.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) $(GPU_HOST_CXXFLAGS) -I$(srcdir)/src $(CXXFLAGS) -x c++ -c -o $@ $<
.cc.host.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) $(GPU_HOST_CXXFLAGS) -I$(srcdir)/src $(CXXFLAGS) -c -o $@ $<
src/gpu/quantized.host.o: src/model/quantized.h src/model/quantized_tables.h
$(GPU_HOST_OBJECTS): $(GPU_INCLUDES) $(GPU_HOST_INCLUDES) src/model/backend.h src/base/err.h
CLEANFILES += $(GPU_HOST_OBJECTS)
EXTRA_DIST += $(GPU_HOST_INCLUDES) $(GPU_HOST_STAND_IN) %D%/test_cuda_host.c

# Their own sources are C; what they stand on is C++, compiled once for all.
GPU_HOST_LINK = $(CXXLD) $(GPU_SANITIZERS) $(CXXFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@

if HAVE_CXX
if HAVE_CMOCKA
check_PROGRAMS += %D%/test_cuda_host
tests_gpu_test_cuda_host_SOURCES = $(CONFORMANCE_CHECKS) %D%/test_cuda_host.c
tests_gpu_test_cuda_host_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_host_LDADD = $(GPU_HOST_OBJECTS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_host_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_products
tests_gpu_test_cuda_products_SOURCES = %D%/test_cuda_products.c
tests_gpu_test_cuda_products_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_products_LDADD = $(GPU_HOST_OBJECTS) $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_products_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_attention
tests_gpu_test_cuda_attention_SOURCES = $(CONFORMANCE) %D%/tensor_core_check.cc %D%/test_cuda_attention.c
tests_gpu_test_cuda_attention_CXXFLAGS = $(GPU_HOST_CXXFLAGS)
tests_gpu_test_cuda_attention_LDADD = $(GPU_HOST_OBJECTS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_attention_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_quantized
tests_gpu_test_cuda_quantized_SOURCES = $(CONFORMANCE_CHECKS) %D%/test_cuda_quantized.c
tests_gpu_test_cuda_quantized_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_quantized_LDADD = $(GPU_HOST_OBJECTS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_quantized_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_model
tests_gpu_test_cuda_model_SOURCES = %D%/test_cuda_model.c
tests_gpu_test_cuda_model_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_model_LDADD = $(GPU_HOST_OBJECTS) $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_model_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_record
tests_gpu_test_cuda_record_SOURCES = %D%/test_cuda_record.c tests/train/fixture.c tests/train/fixture.h
tests_gpu_test_cuda_record_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_record_LDADD = $(GPU_HOST_OBJECTS) $(TRAIN_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_record_DEPENDENCIES = $(GPU_HOST_OBJECTS)

check_PROGRAMS += %D%/test_cuda_train
tests_gpu_test_cuda_train_SOURCES = %D%/test_cuda_train.c tests/train/fixture.c tests/train/fixture.h
tests_gpu_test_cuda_train_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_train_LDADD = $(GPU_HOST_OBJECTS) $(TRAIN_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_train_DEPENDENCIES = $(GPU_HOST_OBJECTS)

%D%/cuda-on-host.so: $(GPU_HOST_OBJECTS)
	$(AM_V_GEN)$(CXX) -shared $(GPU_SANITIZERS) $(CXXFLAGS) -o $@ $(GPU_HOST_OBJECTS)
check_DATA += %D%/cuda-on-host.so %D%/test_device
CLEANFILES += %D%/cuda-on-host.so %D%/test_device

# The operations on a device: on-device.sh runs it, with or without one.
EXTRA_PROGRAMS += %D%/test_device
tests_gpu_test_device_SOURCES = $(CONFORMANCE_CHECKS) %D%/test_device.c
tests_gpu_test_device_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
# on-device.sh itself, on the stand-in.
dist_check_SCRIPTS += %D%/no-device.sh
endif
endif
dist_check_SCRIPTS += %D%/on-device-dry.sh

# Finding and loading a plugin.
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_cuda_plugin
tests_unit_test_cuda_plugin_SOURCES = tests/unit/test_cuda_plugin.c
tests_unit_test_cuda_plugin_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
endif

# One archive for a machine with a GPU, of a build of its own: tests/gpu/make-bundle.sh says what is in it.
.PHONY: gpu-bundle
gpu-bundle:
	CC='$(CC)' $(srcdir)/%D%/make-bundle.sh '$(srcdir)' gpu-bundle

# docs/gpu.md: counted, so that what is measured has something to stand beside.
EXTRA_PROGRAMS += src/gpu/roofline
src_gpu_roofline_SOURCES = src/gpu/roofline.c
src_gpu_roofline_LDADD = $(MODEL_LIBS)
CLEANFILES += src/gpu/roofline
EXTRA_DIST += docs/gpu.md
dist_check_SCRIPTS += %D%/roofline.sh
check_DATA += src/gpu/roofline
.PHONY: gpu-docs
gpu-docs: src/gpu/roofline
	$(AM_V_GEN)src/gpu/roofline >gpu-docs.tmp && mv gpu-docs.tmp $(srcdir)/docs/gpu.md
docs: gpu-docs
