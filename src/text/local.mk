# libtext.a and its tests
