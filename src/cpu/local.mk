# libcpu.a: the cpu backend. The kernels are compiled once for each level of vector instructions; the
# objects of the higher levels are put into the same archive.
noinst_LIBRARIES += libcpu.a
libcpu_a_SOURCES = \
	%D%/attention.c %D%/attention.h \
	%D%/attention_backward.c \
	%D%/attention_decode.c \
	%D%/backend_cpu.c %D%/backend_cpu.h \
	%D%/run.c \
	%D%/cpu.h \
	%D%/bf16.c %D%/bf16.h \
	%D%/doctor.c \
	%D%/elementwise.c \
	%D%/head.c \
	%D%/head_backward.c \
	%D%/head_rivals.c \
	%D%/log_sums.c \
	%D%/dequantize_impl.h %D%/gemm_impl.h %D%/gemm_pack_impl.h %D%/gemm_tile_impl.h \
	%D%/kernels_generic.c %D%/kernels.h %D%/kernels_impl.h %D%/vec.h \
	%D%/level.c \
	%D%/linear.c \
	%D%/norm.c \
	%D%/probe.c \
	%D%/rows.c \
	%D%/sample.c \
	%D%/sampler.c %D%/sampler.h
libcpu_a_LIBADD =
libcpu_a_DEPENDENCIES = $(libcpu_a_LIBADD)
CPU_LIBS = libgpu.a libcpu.a $(OPENBLAS_LIBS) $(ONEDNN_LIBS)

if X86_LEVELS
noinst_LIBRARIES += libcpu_avx2.a libcpu_avx512.a
libcpu_avx2_a_SOURCES = %D%/kernels_avx2.c
libcpu_avx2_a_CFLAGS = $(AM_CFLAGS) -mavx2 -mfma -mf16c
libcpu_avx512_a_SOURCES = %D%/kernels_avx512.c
libcpu_avx512_a_CFLAGS = $(AM_CFLAGS) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mprefer-vector-width=512
libcpu_a_LIBADD += $(libcpu_avx2_a_OBJECTS) $(libcpu_avx512_a_OBJECTS)
endif

EXTRA_PROGRAMS += src/cpu/bench_ops
src_cpu_bench_ops_SOURCES = %D%/bench_ops.c
src_cpu_bench_ops_LDADD = $(CPU_LIBS) $(BASE_LIBS)
CLEANFILES += src/cpu/bench_ops
.PHONY: bench-ops
bench-ops: src/cpu/bench_ops
	./src/cpu/bench_ops 1 && ./src/cpu/bench_ops 2

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_cpu
tests_unit_test_cpu_SOURCES = tests/unit/test_cpu.c
tests_unit_test_cpu_LDADD = $(CPU_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/conformance/test_backend
tests_conformance_test_backend_SOURCES = $(CONFORMANCE_CHECKS) tests/conformance/test_backend.c
tests_conformance_test_backend_LDADD = $(CPU_LIBS) $(MODEL_LIBS) $(CMOCKA_LIBS)
endif
