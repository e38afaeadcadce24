# libstore.a and its tests
