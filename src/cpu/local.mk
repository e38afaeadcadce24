# libcpu.a and its tests
