# libtrain.a and its tests
