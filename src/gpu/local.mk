# The cuda backend. nvcc makes the plugin of it, the host compiler the backend cuda-on-host of the tests
# (src/gpu/README.md); the table of backends and the plugin's loader are always there.
noinst_LIBRARIES += libgpu.a
libgpu_a_SOURCES = %D%/backends.c %D%/cards.c %D%/cards.h %D%/plugin.c %D%/plugin.h
libgpu_a_CPPFLAGS = $(AM_CPPFLAGS) -DATTUNE_PLUGINDIR='"$(pkglibdir)"'

GPU_FILES = \
	%D%/attention.cu \
	%D%/attention_backward.cu \
	%D%/attention_decode.cu \
	%D%/attention_tensor.cu \
	%D%/attention_tensor_backward.cu \
	%D%/backend_cuda.cu \
	%D%/columns.cu \
	%D%/elementwise.cu \
	%D%/graph.cu \
	%D%/head.cu \
	%D%/head_backward.cu \
	%D%/held.cu \
	%D%/linear.cu \
	%D%/norm.cu \
	%D%/optimizer.cu \
	%D%/product.cu \
	%D%/quantized.cu \
	%D%/rows.cu \
	%D%/run.cu \
	%D%/sample.cu
GPU_INCLUDES = %D%/attention.cuh %D%/backend_cuda.cuh %D%/device.cuh %D%/head.cuh %D%/log_sums.cuh %D%/product.cuh
GPU_INCLUDES += %D%/attention_tensor.cuh %D%/tensor_core.cuh
EXTRA_DIST += $(GPU_FILES) $(GPU_INCLUDES) %D%/README.md

# ---- for the device ----
CUDA_CODE = -gencode arch=compute_80,code=sm_80 -gencode arch=compute_86,code=sm_86 \
	-gencode arch=compute_89,code=sm_89 -gencode arch=compute_90a,code=sm_90a \
	-gencode arch=compute_100,code=sm_100 -gencode arch=compute_120,code=[sm_120,compute_120]
if CUDA_IS_OF_HERE
CUDA_TARGETS = $(CUDA_HERE)
else
CUDA_TARGETS = $(CUDA_CODE)
endif
CUDA_FLAGS = -std=c++20 -O3 --fmad=false -Werror all-warnings \
	-Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra,-Wno-unused-parameter,-Wno-missing-field-initializers
CUDA_OBJECTS = $(GPU_FILES:.cu=.nv.o)
SUFFIXES = .cu .cc .nv.o .host.o
.cu.nv.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) $(CUDA_FLAGS) $(CUDA_TARGETS) -I$(srcdir)/src -c -o $@ $<
$(CUDA_OBJECTS): $(GPU_INCLUDES) src/model/backend.h src/base/err.h
attune-cuda.so: $(CUDA_OBJECTS)
	$(AM_V_GEN)$(NVCC) -shared -cudart static -o $@ $(CUDA_OBJECTS) -lcublasLt
CLEANFILES += $(CUDA_OBJECTS) attune-cuda.so
if HAVE_CUDA
plugindir = $(pkglibdir)
plugin_DATA = attune-cuda.so
endif

# ---- for the host ----
GPU_HOST_STAND_IN = tests/gpu/cublaslt_host.cc tests/gpu/cuda_host.cc tests/gpu/cuda_host_block.cc tests/gpu/cuda_host_memory.cc
GPU_HOST_OBJECTS = $(GPU_FILES:.cu=.host.o) $(GPU_HOST_STAND_IN:.cc=.host.o)
GPU_HOST_CXXFLAGS = -std=gnu++20 -fPIC -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers $(GPU_WERROR) \
	-ffp-contract=off -DATTUNE_CUDA_ON_HOST -I$(srcdir)/tests/gpu
GPU_HOST_INCLUDES = tests/gpu/cublaslt_host.h tests/gpu/cuda_host.h tests/gpu/cuda_host_memory.h
.cu.host.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) $(GPU_HOST_CXXFLAGS) $(GPU_SANITIZERS) -I$(srcdir)/src $(CXXFLAGS) -x c++ -c -o $@ $<
.cc.host.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CXX) $(GPU_HOST_CXXFLAGS) $(GPU_SANITIZERS) -I$(srcdir)/src $(CXXFLAGS) -c -o $@ $<
src/gpu/quantized.host.o src/gpu/quantized.nv.o: src/model/quantized.h src/model/quantized_tables.h
$(GPU_HOST_OBJECTS): $(GPU_INCLUDES) $(GPU_HOST_INCLUDES) src/model/backend.h src/base/err.h
CLEANFILES += $(GPU_HOST_OBJECTS)
EXTRA_DIST += $(GPU_HOST_INCLUDES) $(GPU_HOST_STAND_IN) tests/gpu/test_cuda_host.c

# Their own sources are C; what they stand on is C++, compiled once for all.
GPU_HOST_LINK = $(CXXLD) $(GPU_SANITIZERS) $(CXXFLAGS) $(AM_LDFLAGS) $(LDFLAGS) -o $@
if HAVE_CXX
if HAVE_CMOCKA
check_PROGRAMS += tests/gpu/test_cuda_host
tests_gpu_test_cuda_host_SOURCES = \
	tests/conformance/conformance.h \
	tests/conformance/conformance.c \
	tests/conformance/attention_check.c \
	tests/conformance/elementwise_check.c \
	tests/conformance/head_check.c \
	tests/conformance/linear_check.c \
	tests/conformance/norms_check.c \
	tests/conformance/packed_check.c \
	tests/conformance/rows_check.c \
	tests/conformance/sample_check.c \
	tests/conformance/stored_check.c \
	tests/gpu/test_cuda_host.c
tests_gpu_test_cuda_host_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_host_LDADD = $(GPU_HOST_OBJECTS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_gpu_test_cuda_host_DEPENDENCIES = $(GPU_HOST_OBJECTS) libmodel.a libbase.a
check_PROGRAMS += tests/gpu/test_cuda_products
tests_gpu_test_cuda_products_SOURCES = tests/gpu/test_cuda_products.c
tests_gpu_test_cuda_products_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_products_LDADD = $(GPU_HOST_OBJECTS) $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_gpu_test_cuda_products_DEPENDENCIES = $(GPU_HOST_OBJECTS) libgpu.a libcpu.a libmodel.a libbase.a
check_PROGRAMS += tests/gpu/test_cuda_attention
tests_gpu_test_cuda_attention_SOURCES = \
	tests/conformance/conformance.h \
	tests/conformance/conformance.c \
	tests/gpu/tensor_core_check.cc \
	tests/gpu/test_cuda_attention.c
tests_gpu_test_cuda_attention_CXXFLAGS = $(GPU_HOST_CXXFLAGS) $(GPU_SANITIZERS)
tests_gpu_test_cuda_attention_LDADD = $(tests_gpu_test_cuda_host_LDADD)
tests_gpu_test_cuda_attention_DEPENDENCIES = $(tests_gpu_test_cuda_host_DEPENDENCIES)
check_PROGRAMS += tests/gpu/test_cuda_model tests/gpu/test_cuda_train
tests_gpu_test_cuda_model_SOURCES = \
	tests/gpu/test_cuda_model.c
tests_gpu_test_cuda_model_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_model_LDADD = $(GPU_HOST_OBJECTS) $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_model_DEPENDENCIES = $(GPU_HOST_OBJECTS)
tests_gpu_test_cuda_train_SOURCES = \
	tests/gpu/test_cuda_train.c \
	tests/train/fixture.c \
	tests/train/fixture.h
tests_gpu_test_cuda_train_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_train_LDADD = $(GPU_HOST_OBJECTS) $(TRAIN_LIBS) $(CMOCKA_LIBS)
EXTRA_tests_gpu_test_cuda_train_DEPENDENCIES = $(GPU_HOST_OBJECTS)
check_PROGRAMS += tests/gpu/test_cuda_quantized
tests_gpu_test_cuda_quantized_SOURCES = \
	tests/conformance/conformance.h \
	tests/conformance/conformance.c \
	tests/conformance/quantized_check.c \
	tests/gpu/test_cuda_quantized.c
tests_gpu_test_cuda_quantized_LINK = $(GPU_HOST_LINK)
tests_gpu_test_cuda_quantized_LDADD = $(GPU_HOST_OBJECTS) $(MODEL_LIBS) $(CMOCKA_LIBS)
tests_gpu_test_cuda_quantized_DEPENDENCIES = $(GPU_HOST_OBJECTS) libmodel.a libbase.a
endif
endif
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_cuda_plugin
tests_unit_test_cuda_plugin_SOURCES = tests/unit/test_cuda_plugin.c
tests_unit_test_cuda_plugin_LDADD = $(TRAIN_LIBS) $(CMOCKA_LIBS)
endif
