# libdemo.a and its tests
