# The cuda backend. nvcc makes the plugin of it; the host compiler makes the backend cuda-on-host of the same files, in
# tests/gpu/local.mk. The table of backends and the plugin's loader are always there.
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
GPU_INCLUDES = %D%/attention.cuh %D%/attention_backward.cuh %D%/backend_cuda.cuh %D%/device.cuh %D%/head.cuh %D%/log_sums.cuh %D%/product.cuh
GPU_INCLUDES += %D%/attention_tensor.cuh %D%/tensor_core.cuh
EXTRA_DIST += $(GPU_FILES) $(GPU_INCLUDES) %D%/README.md

CUDA_CODE = -gencode arch=compute_80,code=sm_80 -gencode arch=compute_86,code=sm_86 \
	-gencode arch=compute_89,code=sm_89 -gencode arch=compute_90a,code=sm_90a \
	-gencode arch=compute_100,code=sm_100 -gencode arch=compute_120,code=[sm_120,compute_120]
if CUDA_IS_OF_HERE
CUDA_TARGETS = $(CUDA_HERE)
else
CUDA_TARGETS = $(CUDA_CODE)
endif
CUDA_FLAGS = -std=c++20 -O3 --fmad=false $(CUDA_WERROR) \
	-Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra,-Wno-unused-parameter,-Wno-missing-field-initializers
CUDA_OBJECTS = $(GPU_FILES:.cu=.nv.o)
SUFFIXES = .cu .nv.o
.cu.nv.o:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) $(CUDA_FLAGS) $(CUDA_TARGETS) -I$(srcdir)/src -c -o $@ $<
$(CUDA_OBJECTS): $(GPU_INCLUDES) src/model/backend.h src/base/err.h
src/gpu/quantized.nv.o: src/model/quantized.h src/model/quantized_tables.h
attune-cuda.so: $(CUDA_OBJECTS)
	$(AM_V_GEN)$(NVCC) -shared -cudart static -o $@ $(CUDA_OBJECTS) -lcublasLt
CLEANFILES += $(CUDA_OBJECTS) attune-cuda.so
if HAVE_CUDA
plugindir = $(pkglibdir)
plugin_DATA = attune-cuda.so
endif
