# libui.a and its tests
