# What surrounds the kernels on a real machine: the checks that run on a device, what they are carried there in, and what the
# compiler says of the kernels. Without a device the same goes with cuda-on-host.so, the plugin made of the host's build.
check_DATA =
EXTRA_DIST += %D%/make-bundle.sh %D%/on-device.sh %D%/registers.sh %D%/registers.txt bench/gpu_transformers.py

if HAVE_CXX
if HAVE_CMOCKA
%D%/cuda-on-host.so: $(GPU_HOST_OBJECTS)
	$(AM_V_GEN)$(CXX) -shared $(GPU_SANITIZERS) $(CXXFLAGS) -o $@ $(GPU_HOST_OBJECTS)
check_DATA += %D%/cuda-on-host.so %D%/test_device
CLEANFILES += %D%/cuda-on-host.so %D%/test_device

# The operations on a device: on-device.sh runs it, with or without one.
EXTRA_PROGRAMS += %D%/test_device
tests_gpu_test_device_SOURCES = \
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
	%D%/test_device.c
tests_gpu_test_device_LDADD = $(CPU_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
# on-device.sh itself, on the stand-in.
dist_check_SCRIPTS += %D%/no-device.sh
endif
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
