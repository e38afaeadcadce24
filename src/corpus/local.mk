# libcorpus.a and its tests
