# libmodel.a and its tests
